//! The images of the tests' services: file systems that `scripts/test-setup` has laid out from the
//! distribution's packages, imported into an engine. Nothing is pulled.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use bollard::Docker;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures::TryStreamExt;

/// What stack services run on, each with a program `/serve`.
pub const IMAGES: [&str; 4] = ["postgres", "redis", "nginx", "chatty"];

/// Why there are no images to import, if so.
pub fn lacking() -> Option<String> {
    let made = folder().join("made");
    (!made.is_file()).then(|| {
        format!(
            "the services' file systems are not in {}: run scripts/test-setup",
            folder().display()
        )
    })
}

/// Imports one image, as `nself-test/<name>`, unless the engine has it.
pub async fn import(docker: &Docker, name: &str) -> String {
    let image = reference(name);
    if docker.inspect_image(&image).await.is_ok() {
        return image;
    }
    let archive = Command::new("tar")
        .arg("-C")
        .arg(folder().join(name))
        .args(["--owner=0", "--group=0", "-c", "."])
        .stderr(Stdio::inherit())
        .output()
        .expect("tar starts");
    assert!(archive.status.success(), "the file system of {name} cannot be packed");
    let options = CreateImageOptionsBuilder::new().from_src("-").repo(&image).build();
    docker
        .create_image(Some(options), Some(bollard::body_full(archive.stdout.into())), None)
        .try_collect::<Vec<_>>()
        .await
        .unwrap_or_else(|error| panic!("{name} cannot be imported: {error}"));
    image
}

fn reference(name: &str) -> String {
    format!("nself-test/{name}:latest")
}

/// `NSELF_TEST_SERVICES`, else beside the test's own executable in the target folder.
fn folder() -> PathBuf {
    std::env::var_os("NSELF_TEST_SERVICES")
        .map_or_else(|| crate::output::target_folder().join("test-services"), PathBuf::from)
}
