//! From the words of an engine about layers to progress that can be believed.
//!
//! The words are those of Docker's engine (`distribution/pull_v2.go` and `distribution/xfer` of
//! moby, and what 20.10 was seen to send), in the order in which a layer goes through them: "Pulling fs
//! layer", "Waiting", "Downloading", "Verifying Checksum", "Download complete", "Extracting", "Pull
//! complete"; or "Already exists" at once; "Retrying in 5 seconds" leads back to the beginning.
//! Other words, such as "Pulling from library/nginx", are about no layer.

use nself_realtime::event::{ProgressItem, ProgressStatus};

use crate::engine::{EngineError, PullFrame};
use crate::text::at_most;

/// How far a pull is.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PullProgress {
    /// The image.
    pub reference: String,
    /// How it stands.
    pub status: ProgressStatus,
    /// Percent of the whole, 0 to 100. It never falls, and is 100 only when the pull is complete.
    pub percent: f64,
    /// The layers in the engine's order, with the bytes of what they are at: of the download, then of
    /// the extraction.
    pub layers: Vec<ProgressItem>,
    /// Why it failed.
    pub error: Option<String>,
}

/// Sums up what an engine says about the layers of an image.
///
/// A layer is downloaded and then extracted, so it stands for twice its bytes, and the whole is
/// `Σ (downloaded + extracted) / Σ 2 × total` over the layers that were not there before. One whose size
/// is not known yet counts as the mean of those that are. Sizes that become known later, or change, can
/// make that fall; what is told then stays where it was until it is reached again.
#[derive(Debug)]
pub struct PullTally {
    reference: String,
    layers: Vec<Layer>,
    status: ProgressStatus,
    percent: f64,
    error: Option<String>,
    concluded: bool,
}

#[derive(Debug)]
struct Layer {
    id: String,
    at: Stage,
    current: u64,
    total: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Downloading,
    Verifying,
    Downloaded,
    Extracting,
    Pulled,
    Existed,
}

impl Stage {
    /// What the engine's words mean; `None` if they are about no layer.
    fn of(words: &str) -> Option<Self> {
        Some(match words {
            "Pulling fs layer" | "Waiting" => Self::Waiting,
            "Downloading" => Self::Downloading,
            // An engine also says it of a download that broke off.
            "Verifying Checksum" => Self::Verifying,
            "Download complete" => Self::Downloaded,
            "Extracting" => Self::Extracting,
            "Pull complete" => Self::Pulled,
            "Already exists" => Self::Existed,
            _ if words.starts_with("Retrying in ") => Self::Waiting,
            _ => return None,
        })
    }
}

impl PullTally {
    /// Nothing has been said yet.
    pub fn new(reference: &str) -> Self {
        Self {
            reference: at_most(reference, LONGEST_NAME),
            layers: Vec::new(),
            status: ProgressStatus::Pending,
            percent: 0.0,
            error: None,
            concluded: false,
        }
    }

    /// Takes what the engine said. After an end it changes nothing.
    pub fn handle(&mut self, frame: &PullFrame) {
        if self.status.is_end() {
            return;
        }
        self.status = ProgressStatus::InProgress;
        // The last words: "Status: Downloaded newer image for …", "Status: Image is up to date for …".
        self.concluded |= frame.status.starts_with("Status: ");
        let (Some(id), Some(stage)) = (&frame.id, Stage::of(&frame.status)) else { return };
        let known = self.layers.iter().position(|layer| layer.id == *id);
        if known.is_none() {
            if self.layers.len() == MOST_LAYERS {
                return;
            }
            let id = at_most(id, LONGEST_NAME);
            self.layers.push(Layer { id, at: stage, current: 0, total: None });
        }
        let layer = match known {
            Some(at) => self.layers.get_mut(at),
            None => self.layers.last_mut(),
        };
        if let Some(layer) = layer {
            layer.handle(stage, frame);
        }
        self.percent = self.percent.max(self.computed());
    }

    /// Whether what was said up to the end of the engine's answer is a whole pull.
    ///
    /// # Errors
    ///
    /// [`EngineError::Broken`] if it ended in the midst of it.
    pub fn verdict(&self) -> Result<(), EngineError> {
        let is_there = |layer: &Layer| {
            !matches!(layer.at, Stage::Waiting | Stage::Downloading | Stage::Verifying)
        };
        // Podman's service ends with layers that are downloaded.
        let all_there = !self.layers.is_empty() && self.layers.iter().all(is_there);
        if self.concluded || all_there {
            return Ok(());
        }
        let message = format!("the engine stopped telling of the pull of {}", self.reference);
        Err(EngineError::Broken { message })
    }

    /// Ends it well, unless it has ended.
    pub fn complete(&mut self) {
        if self.end(ProgressStatus::Complete) {
            self.percent = 100.0;
            for layer in &mut self.layers {
                layer.at = Stage::Pulled;
            }
        }
    }

    /// Ends it because of that, unless it has ended.
    pub fn fail(&mut self, cause: &str) {
        if self.end(ProgressStatus::Failed) {
            self.error = Some(at_most(cause, LONGEST_CAUSE));
        }
    }

    /// Ends it because nobody wants it any more, unless it has ended.
    pub fn cancel(&mut self) {
        self.end(ProgressStatus::Cancelled);
    }

    /// How far it is.
    pub fn progress(&self) -> PullProgress {
        PullProgress {
            reference: self.reference.clone(),
            status: self.status,
            percent: self.percent,
            layers: self.layers.iter().map(|layer| layer.item(self.status)).collect(),
            error: self.error.clone(),
        }
    }

    fn end(&mut self, status: ProgressStatus) -> bool {
        let ends = !self.status.is_end();
        if ends {
            self.status = status;
        }
        ends
    }

    fn computed(&self) -> f64 {
        let wanted = || self.layers.iter().filter(|layer| layer.at != Stage::Existed);
        let known = || wanted().filter_map(|layer| layer.total);
        let count = u128::try_from(known().count()).unwrap_or(0);
        let sum: u128 = known().map(u128::from).sum();
        let mean = sum.checked_div(count).unwrap_or(1).max(1);
        let (mut done, mut whole) = (0, 0);
        for layer in wanted() {
            let total = layer.total.map_or(mean, u128::from);
            done += layer.done(total);
            whole += 2 * total;
        }
        // In tenths, and the last one is the end's.
        let tenths = done.saturating_mul(1_000).checked_div(whole).unwrap_or(0).min(999);
        f64::from(u16::try_from(tenths).unwrap_or(999)) / 10.0
    }
}

impl Layer {
    fn handle(&mut self, stage: Stage, frame: &PullFrame) {
        self.total = frame.total.or(self.total);
        let ceiling = self.total.unwrap_or(u64::MAX);
        let before = if self.at == stage { self.current } else { 0 };
        self.current = match stage {
            Stage::Waiting | Stage::Existed => 0,
            // An engine draws a full bar for what breaks off, too ("print a full progress bar when closing
            // prematurely", `pkg/progress/progressreader.go` of moby). What is done has a word of its own.
            Stage::Downloading | Stage::Extracting => match frame.current {
                Some(current) if current < ceiling => current,
                _ => before.min(ceiling),
            },
            Stage::Verifying => self.current.min(ceiling),
            Stage::Downloaded | Stage::Pulled => self.total.unwrap_or(self.current),
        };
        self.at = stage;
    }

    /// Bytes downloaded and bytes extracted, of twice as many as `total`.
    fn done(&self, total: u128) -> u128 {
        let current = u128::from(self.current).min(total);
        match self.at {
            Stage::Waiting | Stage::Existed => 0,
            // Of an unknown whole nobody can say how much that is.
            Stage::Downloading | Stage::Verifying if self.total.is_none() => 0,
            Stage::Downloading | Stage::Verifying => current,
            Stage::Downloaded => total,
            Stage::Extracting if self.total.is_none() => total,
            Stage::Extracting => total + current,
            Stage::Pulled => 2 * total,
        }
    }

    /// What is unfinished when the whole ends shares its end.
    fn item(&self, whole: ProgressStatus) -> ProgressItem {
        let status = match self.at {
            Stage::Pulled | Stage::Existed => ProgressStatus::Complete,
            _ if whole.is_end() => whole,
            Stage::Waiting => ProgressStatus::Pending,
            _ => ProgressStatus::InProgress,
        };
        ProgressItem {
            name: self.id.clone(),
            status,
            current_bytes: (self.current > 0).then_some(self.current),
            total_bytes: self.total,
        }
    }
}

/// How long the name of a layer and the cause of a failure are, and how many layers there are, in an
/// event at most.
const LONGEST_NAME: usize = 512;
const LONGEST_CAUSE: usize = 16 * 1024;
const MOST_LAYERS: usize = 1_024;
