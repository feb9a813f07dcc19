//! Which keys there are: those that are read, and those that Compose has and this crate refuses by name.

/// The keys of one kind of mapping. Keys that begin with `x-` are anybody's own.
pub(super) struct Keys {
    pub(super) read: &'static [&'static str],
    /// With what to do about each.
    pub(super) refused: &'static [(&'static str, &'static str)],
}

impl Keys {
    /// The key that may have been meant.
    pub(super) fn nearest(&self, key: &str) -> Option<&'static str> {
        let lower = key.to_ascii_lowercase();
        self.read
            .iter()
            .map(|known| (strsim::damerau_levenshtein(known, &lower), *known))
            .filter(|(distance, known)| *distance <= (known.len() / 3).clamp(1, 2))
            .min()
            .map(|(_, known)| known)
    }
}

pub(super) static PROJECT: Keys = Keys {
    read: &["name", "version", "services", "networks", "volumes", "secrets", "configs"],
    refused: &[("include", "write its services into this file"), ("models", REMOVE)],
};

pub(super) static SERVICE: Keys = Keys {
    read: &[
        "image",
        "build",
        "command",
        "entrypoint",
        "environment",
        "env_file",
        "ports",
        "volumes",
        "networks",
        "depends_on",
        "healthcheck",
        "restart",
        "labels",
        "user",
        "working_dir",
        "tmpfs",
        "expose",
        "hostname",
        "extra_hosts",
        "stop_signal",
        "stop_grace_period",
        "init",
        "read_only",
        "shm_size",
        "ulimits",
        "mem_limit",
        "cpus",
        "logging",
        "profiles",
        "secrets",
        "configs",
        "privileged",
        "network_mode",
        "pid",
        "ipc",
        "uts",
        "userns_mode",
        "cgroup",
        "cap_add",
        "devices",
        "security_opt",
    ],
    refused: &[
        ("annotations", REMOVE),
        ("attach", REMOVE),
        ("blkio_config", REMOVE),
        ("cap_drop", REMOVE),
        ("cgroup_parent", REMOVE),
        ("container_name", "the container is named {project}-{service}-1"),
        ("cpu_count", "use cpus"),
        ("cpu_percent", "use cpus"),
        ("cpu_period", "use cpus"),
        ("cpu_quota", "use cpus"),
        ("cpu_rt_period", REMOVE),
        ("cpu_rt_runtime", REMOVE),
        ("cpu_shares", "use cpus"),
        ("cpuset", "use cpus"),
        ("credential_spec", REMOVE),
        ("deploy", "use mem_limit, cpus and restart"),
        ("develop", REMOVE),
        ("device_cgroup_rules", REMOVE),
        ("dns", REMOVE),
        ("dns_opt", REMOVE),
        ("dns_search", REMOVE),
        ("domainname", "use hostname"),
        ("driver_opts", REMOVE),
        ("extends", "share keys by an anchor and <<, or by an override file"),
        ("external_links", "use an external network"),
        ("gpus", REMOVE),
        ("group_add", REMOVE),
        ("isolation", REMOVE),
        ("label_file", "use labels"),
        ("links", "services of one network find each other by name; use depends_on for the order"),
        ("mac_address", REMOVE),
        ("mem_reservation", "use mem_limit"),
        ("mem_swappiness", REMOVE),
        ("memswap_limit", "use mem_limit"),
        ("models", REMOVE),
        ("oom_kill_disable", REMOVE),
        ("oom_score_adj", REMOVE),
        ("pids_limit", "use ulimits with nproc"),
        ("platform", REMOVE),
        ("post_start", "use a service that others depend on with service_completed_successfully"),
        ("pre_stop", REMOVE),
        ("provider", REMOVE),
        ("pull_policy", "an image is pulled when it is missing"),
        ("runtime", REMOVE),
        ("scale", "a service has one container"),
        ("stdin_open", REMOVE),
        ("storage_opt", REMOVE),
        ("sysctls", REMOVE),
        ("tty", REMOVE),
        ("use_api_socket", REMOVE),
        ("volumes_from", "name the volumes in both services"),
    ],
};

pub(super) static BUILD: Keys = Keys {
    read: &["context", "dockerfile", "args", "target"],
    refused: &[
        ("additional_contexts", "copy what is needed into the context"),
        ("cache_from", REMOVE),
        ("cache_to", REMOVE),
        ("dockerfile_inline", "write it to a file and name that as dockerfile"),
        ("entitlements", REMOVE),
        ("extra_hosts", REMOVE),
        ("isolation", REMOVE),
        ("labels", "use LABEL in the Dockerfile"),
        ("network", REMOVE),
        ("no_cache", REMOVE),
        ("platforms", REMOVE),
        ("privileged", REMOVE),
        ("provenance", REMOVE),
        ("pull", REMOVE),
        ("sbom", REMOVE),
        ("secrets", "RUN --mount is not supported by the engine's classic builder"),
        ("shm_size", REMOVE),
        ("ssh", "RUN --mount is not supported by the engine's classic builder"),
        ("tags", "use image"),
        ("ulimits", REMOVE),
    ],
};

pub(super) static HEALTHCHECK: Keys = Keys {
    read: &["test", "interval", "timeout", "retries", "start_period", "start_interval", "disable"],
    refused: &[],
};

pub(super) static DEPENDENCY: Keys = Keys {
    read: &["condition", "required"],
    refused: &[("restart", "a service whose own keys did not change is left running")],
};

pub(super) static PORT: Keys = Keys {
    read: &["target", "published", "host_ip", "protocol", "mode"],
    refused: &[("name", REMOVE), ("app_protocol", REMOVE)],
};

pub(super) static MOUNT: Keys = Keys {
    read: &["type", "source", "target", "read_only", "bind", "volume", "tmpfs", "consistency"],
    refused: &[("image", REMOVE)],
};

pub(super) static MOUNT_BIND: Keys = Keys {
    read: &["create_host_path", "selinux"],
    refused: &[("propagation", REMOVE), ("recursive", REMOVE)],
};

pub(super) static MOUNT_VOLUME: Keys =
    Keys { read: &["nocopy"], refused: &[("subpath", REMOVE), ("labels", REMOVE)] };

pub(super) static MOUNT_TMPFS: Keys = Keys { read: &["size", "mode"], refused: &[] };

pub(super) static MEMBER: Keys = Keys {
    read: &["aliases", "ipv4_address", "ipv6_address"],
    refused: &[
        ("driver_opts", REMOVE),
        ("gw_priority", REMOVE),
        ("interface_name", REMOVE),
        ("link_local_ips", REMOVE),
        ("mac_address", REMOVE),
        ("priority", REMOVE),
    ],
};

pub(super) static FILE_MOUNT: Keys =
    Keys { read: &["source", "target", "uid", "gid", "mode"], refused: &[] };

pub(super) static ENV_FILE: Keys =
    Keys { read: &["path", "required"], refused: &[("format", REMOVE)] };

pub(super) static ULIMIT: Keys = Keys { read: &["soft", "hard"], refused: &[] };

pub(super) static LOGGING: Keys = Keys { read: &["driver", "options"], refused: &[] };

pub(super) static NETWORK: Keys = Keys {
    read: &[
        "name",
        "external",
        "driver",
        "driver_opts",
        "internal",
        "enable_ipv6",
        "labels",
        "ipam",
    ],
    refused: &[("attachable", REMOVE), ("enable_ipv4", REMOVE)],
};

pub(super) static IPAM: Keys =
    Keys { read: &["driver", "config"], refused: &[("options", REMOVE)] };

pub(super) static IP_POOL: Keys =
    Keys { read: &["subnet", "ip_range", "gateway"], refused: &[("aux_addresses", REMOVE)] };

pub(super) static VOLUME: Keys =
    Keys { read: &["name", "external", "driver", "driver_opts", "labels"], refused: &[] };

pub(super) static FILE_SOURCE: Keys = Keys {
    read: &["file", "name"],
    refused: &[
        ("content", "write it to a file and name that as file"),
        ("driver", REMOVE),
        ("driver_opts", REMOVE),
        ("environment", "write it to a file and name that as file"),
        ("external", "name a file of the project as file"),
        ("labels", REMOVE),
        ("template_driver", REMOVE),
    ],
};

const REMOVE: &str = "remove it";
