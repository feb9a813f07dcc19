//! What a library user asks of a project.

use std::collections::BTreeMap;
use std::fs;

use nself_docker::compose::{
    self, LoadError, LoadOptions, Loaded, MountKind, ProblemKind, Rule, UnknownRule,
};

fn load(yaml: &str, options: &LoadOptions) -> Result<Loaded, LoadError> {
    let folder = tempfile::Builder::new().prefix("project").tempdir().unwrap();
    fs::write(folder.path().join("compose.yaml"), yaml).unwrap();
    compose::load(folder.path(), options)
}

#[test]
fn services_start_in_stages_each_as_early_as_it_can() {
    let yaml = "
services:
  web: {image: a, depends_on: [api, cache]}
  api: {image: a, depends_on: [db]}
  db: {image: a}
  cache: {image: a}
  alone: {image: a}
";
    let project = load(yaml, &LoadOptions::new()).unwrap().project;
    let stages = [vec!["alone", "cache", "db"], vec!["api"], vec!["web"]];
    assert_eq!(project.start_order(), stages);
}

#[test]
fn each_rule_is_allowed_by_its_own_name_and_no_other() {
    for (yaml, rule) in [
        ("privileged: true", Rule::Privileged),
        ("network_mode: host", Rule::HostNetwork),
        ("pid: host", Rule::HostPid),
        ("ipc: host", Rule::HostIpc),
        ("uts: host", Rule::HostUts),
        ("userns_mode: host", Rule::HostUserns),
        ("cgroup: host", Rule::HostCgroup),
        ("cap_add: [SYS_ADMIN]", Rule::CapAdd),
        ("devices: [/dev/kvm]", Rule::Devices),
        ("security_opt: [label=disable]", Rule::SecurityOpt),
        ("volumes: ['/usr/share:/x']", Rule::BindOutsideProject),
        ("volumes: ['./docker.sock:/x']", Rule::DockerSocket),
        ("build: ..", Rule::BuildOutsideProject),
        ("env_file: /etc/hostname", Rule::EnvFileOutsideProject),
    ] {
        let yaml = format!("services: {{a: {{image: a, {yaml}}}}}");
        let error = load(&yaml, &LoadOptions::new()).unwrap_err();
        let kinds: Vec<_> = error.problems.iter().map(|problem| problem.kind).collect();
        assert_eq!(kinds, [ProblemKind::Policy(rule)], "{yaml}");
        assert!(error.is_policy());
        let others = Rule::ALL.iter().copied().filter(|other| *other != rule);
        assert!(load(&yaml, &LoadOptions::new().allow(others)).is_err(), "{yaml}");
        let forbidden = |error: &LoadError| {
            error.problems.iter().any(|problem| matches!(problem.kind, ProblemKind::Policy(_)))
        };
        // What is allowed can still be wrong: no Dockerfile above, no variables in that file.
        let allowed = load(&yaml, &LoadOptions::new().allow([rule]));
        assert!(!allowed.is_err_and(|error| forbidden(&error)), "{yaml}");
    }
}

#[test]
fn a_rule_is_known_by_its_name() {
    for rule in Rule::ALL {
        assert_eq!(rule.to_string().parse(), Ok(*rule));
    }
    let unknown = UnknownRule { name: "root".to_owned() };
    assert_eq!("root".parse::<Rule>(), Err(unknown));
}

#[test]
fn a_mistake_beside_a_forbidden_thing_is_no_matter_of_policy_alone() {
    let yaml = "services: {a: {image: a, privileged: true, quux: 1}}";
    assert!(!load(yaml, &LoadOptions::new()).unwrap_err().is_policy());
}

#[test]
fn paths_are_absolute_and_without_links() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().canonicalize().unwrap();
    fs::create_dir(dir.join("real")).unwrap();
    std::os::unix::fs::symlink("real", dir.join("link")).unwrap();
    fs::write(dir.join("compose.yaml"), "services: {a: {image: a, volumes: ['./link/x:/x']}}")
        .unwrap();
    let project = compose::load(folder.path(), &LoadOptions::new()).unwrap().project;
    assert_eq!(project.dir, dir);
    assert_eq!(project.files, [dir.join("compose.yaml")]);
    let kind =
        MountKind::Bind { source: dir.join("real/x"), create_host_path: true, relabel: None };
    assert_eq!(project.services["a"].mounts[0].kind, kind);
}

#[test]
fn the_project_s_own_socket_is_known_from_docker_host() {
    let options = LoadOptions::new().environment(BTreeMap::from([(
        "DOCKER_HOST".to_owned(),
        "unix:///srv/e/my.sock".to_owned(),
    )]));
    let yaml = "services: {a: {image: a, volumes: ['/srv/e:/x']}}";
    let error = load(yaml, &options.allow([Rule::BindOutsideProject])).unwrap_err();
    assert_eq!(error.problems[0].kind, ProblemKind::Policy(Rule::DockerSocket));
}
