//! The steps of a build and what share of the whole each has.

/// A step of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum BuildStep {
    /// The project is read and checked. The engine is not asked for anything.
    Validate,
    /// The project is written down as it was understood.
    Generate,
    /// Networks and named volumes are made.
    Networks,
    /// Images are built.
    Images,
    /// Images are pulled.
    Pull,
    /// Containers are made and started.
    Start,
}

impl BuildStep {
    /// All of them, in their order.
    pub const ALL: [Self; 6] =
        [Self::Validate, Self::Generate, Self::Networks, Self::Images, Self::Pull, Self::Start];

    /// What it is called in events.
    pub fn name(self) -> &'static str {
        match self {
            Self::Validate => "Validating configuration",
            Self::Generate => "Generating docker-compose.yml",
            Self::Networks => "Creating networks",
            Self::Images => "Building images",
            Self::Pull => "Pulling images",
            Self::Start => "Starting containers",
        }
    }

    /// Its name in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Validate => "validate",
            Self::Generate => "generate",
            Self::Networks => "networks",
            Self::Images => "images",
            Self::Pull => "pull",
            Self::Start => "start",
        }
    }

    /// Its number, from 1.
    pub fn number(self) -> u32 {
        match self {
            Self::Validate => 1,
            Self::Generate => 2,
            Self::Networks => 3,
            Self::Images => 4,
            Self::Pull => 5,
            Self::Start => 6,
        }
    }

    /// Tenths of a percent of the whole at which it begins and ends.
    pub(super) fn tenths(self) -> (u32, u32) {
        match self {
            Self::Validate => (0, 100),
            Self::Generate => (100, 400),
            Self::Networks => (400, 450),
            Self::Images => (450, 700),
            Self::Pull => (700, 850),
            Self::Start => (850, 1_000),
        }
    }
}

impl std::fmt::Display for BuildStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_are_numbered_and_their_shares_follow_each_other() {
        let mut end = 0;
        for (number, step) in (1..).zip(BuildStep::ALL) {
            assert_eq!((step.number(), step.tenths().0), (number, end));
            end = step.tenths().1;
        }
        assert_eq!(end, 1_000);
    }
}
