//! A registry of images of the tests' own, on a loopback address, where engines need no certificate.

use std::process::{Command, Stdio};

use crate::process::{self, Process};
use crate::scratch::Scratch;

/// What a registry, and the making of images, take.
pub const PROGRAMS: &[&str] = &["docker-registry", "docker"];

/// A registry that keeps its images for as long as it lives.
#[derive(Debug)]
pub struct Registry {
    process: Process,
    port: u16,
    scratch: Scratch,
}

impl Registry {
    /// Starts one and waits until it listens.
    pub async fn start() -> Self {
        let scratch = Scratch::new();
        let config = scratch.path().join("registry.yml");
        let settings = format!(
            "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {}/images}}}}\n\
             http: {{addr: '127.0.0.1:0'}}\n",
            scratch.path().display()
        );
        std::fs::write(&config, settings).expect("the scratch folder can be written");
        let program = process::find("docker-registry").expect("docker-registry is installed");
        let mut process =
            Process::start("docker-registry", Command::new(program).arg("serve").arg(config));
        let port = process
            .printed_where("where it listens", |log| {
                let (_, rest) = log.split_once("listening on 127.0.0.1:")?;
                rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
            })
            .await;
        Self { process, port, scratch }
    }

    /// What an image of that name is called here.
    pub fn image(&self, name: &str) -> String {
        format!("127.0.0.1:{}/{name}:latest", self.port)
    }

    /// Makes an image of a layer of random bytes for each of `layers`, on top of `base`, with the engine
    /// at `host`; brings it here and removes it there.
    pub fn publish(&self, host: &str, name: &str, base: &str, layers: &[usize]) -> String {
        let (image, folder) = (self.image(name), self.scratch.path().join(name));
        std::fs::create_dir(&folder).expect("the scratch folder can be written");
        let mut recipe = format!("FROM {base}\n");
        for (number, bytes) in layers.iter().enumerate() {
            let noise: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(*bytes).collect();
            let file = format!("{name}{number}");
            std::fs::write(folder.join(&file), noise).expect("the scratch folder can be written");
            recipe.push_str(&["COPY ", &file, " /", &file, "\n"].concat());
        }
        std::fs::write(folder.join("Dockerfile"), recipe).expect("the folder can be written");
        docker(host, &["build", "--tag", &image, &folder.display().to_string()]);
        docker(host, &["push", &image]);
        image
    }

    /// Kills it (SIGKILL): what is being read from it breaks.
    pub fn kill(&mut self) {
        self.process.kill();
    }
}

/// Removes images from the engine at `host`, with all their layers.
pub fn remove(host: &str, images: &[&str]) {
    docker(host, &[&["image", "rm"], images].concat());
}

fn docker(host: &str, words: &[&str]) {
    let program = process::find("docker").expect("docker is installed");
    let mut command = Command::new(program);
    // The classic builder: it is part of the engine.
    command.env("DOCKER_BUILDKIT", "0").args(["--host", host]).args(words).stdin(Stdio::null());
    let output = command.output().expect("docker starts");
    assert!(output.status.success(), "docker {words:?}: {output:?}");
}
