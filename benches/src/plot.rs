//! A picture of a few lines over powers of ten, as SVG.

use std::fmt::Write;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 60.0;
const BOTTOM: f64 = 40.0;
const COLOURS: [&str; 4] = ["#1d4ed8", "#b45309", "#15803d", "#9333ea"];

/// A line of a picture.
#[derive(Debug, Clone)]
pub struct Series {
    /// What it shows.
    pub title: &'static str,
    /// How many there were, and what was measured.
    pub points: Vec<(u32, f64)>,
}

/// The picture: sizes from left to right by powers of ten, what was measured upwards from 0.
pub fn plot(title: &str, series: &[Series]) -> String {
    let points = || series.iter().flat_map(|line| &line.points);
    let decades = points().map(|(size, _)| f64::from(*size).log10()).fold(1.0, f64::max);
    let top = nice(points().map(|(_, value)| *value).fold(0.0, f64::max));
    let x = |size: u32| LEFT + f64::from(size).log10() / decades * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM);

    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"13\">\n<title>{title}</title>\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n\
         <text x=\"{LEFT}\" y=\"22\" font-weight=\"bold\">{title}</text>\n"
    );
    for quarter in 0..=4 {
        let value = top * f64::from(quarter) / 4.0;
        let (at, end, label) = (y(value), WIDTH - RIGHT, LEFT - 8.0);
        // Writing to a text cannot fail.
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{end}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#d4d4d8\"/>\
             <text x=\"{label}\" y=\"{:.1}\" text-anchor=\"end\">{value:.0}</text>",
            at + 4.0,
        );
    }
    let mut size = 1;
    while f64::from(size).log10() <= decades {
        let at = x(size);
        let _ = writeln!(
            svg,
            "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{size}</text>",
            HEIGHT - BOTTOM + 20.0,
        );
        size *= 10;
    }
    let mut legend = LEFT;
    for (line, colour) in series.iter().zip(COLOURS.iter().cycle()) {
        let path: Vec<String> = line
            .points
            .iter()
            .map(|(size, value)| format!("{:.1},{:.1}", x(*size), y(*value)))
            .collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\
             <text x=\"{legend}\" y=\"44\" fill=\"{colour}\">{}</text>",
            path.join(" "),
            line.title,
        );
        legend += 220.0;
    }
    svg.push_str("</svg>");
    svg
}

/// The next number that can be quartered by eye.
fn nice(value: f64) -> f64 {
    let unit = 10_f64.powf(value.max(1.0).log10().floor());
    [1.0, 2.0, 4.0, 8.0]
        .map(|step| step * unit)
        .into_iter()
        .find(|top| *top >= value)
        .unwrap_or(10.0 * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_stand_at_powers_of_ten_and_values_above_their_axis() {
        let line = Series { title: "readers", points: vec![(1, 50.0), (100, 100.0)] };
        let svg = plot("ns", &[line]);
        assert!(svg.contains(r#"<polyline points="60.0,190.0 700.0,60.0""#), "{svg}");
    }
}
