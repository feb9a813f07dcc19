//! The order in which services start.

use std::collections::BTreeSet;

use super::Project;

impl Project {
    /// The services in stages: each one depends only on services of earlier stages, and is in the
    /// earliest one that allows it. Within a stage the order is that of their names.
    pub fn start_order(&self) -> Vec<Vec<&str>> {
        let mut stages = Vec::new();
        let mut placed: BTreeSet<&str> = BTreeSet::new();
        while placed.len() < self.services.len() {
            let stage: Vec<&str> = self
                .services
                .iter()
                .filter(|(name, _)| !placed.contains(name.as_str()))
                .filter(|(_, service)| {
                    service.depends_on.keys().all(|other| placed.contains(other.as_str()))
                })
                .map(|(name, _)| name.as_str())
                .collect();
            // Loading refuses cycles; in one made by hand nobody can be first.
            if stage.is_empty() {
                break;
            }
            placed.extend(&stage);
            stages.push(stage);
        }
        stages
    }
}
