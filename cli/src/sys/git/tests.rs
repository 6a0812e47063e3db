#![cfg(unix)]

use std::sync::atomic::AtomicBool;

use super::*;

static GO_ON: AtomicBool = AtomicBool::new(false);

/// What a git child sees of these variables: a script in git's place tells.
fn seen(variables: &[(&str, &str)], access: GitAccess) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    aileron_testkit::script(&dir.path().join("git"), "for arg; do echo \"ARG $arg\"; done\n/usr/bin/env");
    let path = [("PATH".into(), dir.path().as_os_str().to_owned())];
    let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
    let environment = path.into_iter().chain(variables).collect();
    let spawner = Spawner { environment: &environment, stop: &GO_ON };
    let finished = command(spawner, access).run().unwrap();
    String::from_utf8(finished.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// The settings a child got, in order.
fn settings(seen: &[String]) -> Vec<(String, String)> {
    let value = |name: &str| seen.iter().find_map(|line| line.strip_prefix(&format!("{name}="))).map(str::to_owned);
    let count: usize = value("GIT_CONFIG_COUNT").unwrap().parse().unwrap();
    let setting = |number| {
        let [key, value] = ["KEY", "VALUE"].map(|part| value(&format!("GIT_CONFIG_{part}_{number}")));
        (key.unwrap(), value.unwrap())
    };
    let arguments = seen.iter().filter_map(|line| line.strip_prefix("ARG ")?.split_once('='));
    let arguments = arguments.map(|(key, value)| (key.to_owned(), value.to_owned()));
    arguments.chain((0..count).map(setting)).collect()
}

#[test] // artifacts.md §12
fn a_child_knows_where_the_users_settings_are_and_whom_the_user_trusts() {
    let child = seen(
        &[
            ("GIT_CONFIG_GLOBAL", "/ci.gitconfig"),
            ("GIT_CONFIG_SYSTEM", "/system"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_COUNT", "5"),
            ("GIT_CONFIG_KEY_0", "safe.directory"),
            ("GIT_CONFIG_VALUE_0", "*"),
            ("GIT_CONFIG_KEY_1", "core.fsmonitor"),
            ("GIT_CONFIG_VALUE_1", "/evil"),
            ("GIT_CONFIG_KEY_2", "Safe.Directory"),
            ("GIT_CONFIG_VALUE_2", "/work"),
            ("GIT_CONFIG_KEY_3", "http.extraheader"),
            ("GIT_CONFIG_VALUE_3", "hush"),
            ("GIT_CONFIG_KEY_4", "safe.directory"),
            ("GIT_CONFIG_KEY_5", "safe.directory"),
            ("GIT_CONFIG_VALUE_5", "/past the count"),
            ("GIT_CONFIG_PARAMETERS", "'core.fsmonitor=/evil'"),
            ("GIT_DIR", "/evil"),
            ("GIT_WORK_TREE", "/evil"),
            ("GIT_INDEX_FILE", "/evil"),
            ("GIT_OBJECT_DIRECTORY", "/evil"),
            ("GIT_EXTERNAL_DIFF", "/evil"),
            ("GIT_SSH_COMMAND", "/evil"),
            ("GIT_ASKPASS", "/evil"),
            ("GIT_PAGER", "/evil"),
            ("GIT_TRACE", "/evil"),
            ("GIT_EXEC_PATH", "/evil"),
            ("GIT_REPLACE_REF_BASE", "/evil"),
            ("GITHUB_TOKEN", "hush"),
            ("SSH_AUTH_SOCK", "/agent"),
        ],
        GitAccess::Local,
    );
    for line in ["GIT_CONFIG_GLOBAL=/ci.gitconfig", "GIT_CONFIG_SYSTEM=/system", "GIT_CONFIG_NOSYSTEM=1"] {
        assert!(child.iter().any(|had| had == line), "{line}");
    }
    for word in ["evil", "hush", "past the count", "/agent"] {
        assert!(!child.iter().any(|line| line.contains(word)), "{word}: {child:?}");
    }
    let safe: Vec<_> =
        settings(&child).into_iter().filter(|(key, _)| key.eq_ignore_ascii_case("safe.directory")).collect();
    assert_eq!(safe.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>(), ["*", "/work"]);
}

#[test]
fn a_count_that_is_none_is_no_entry() {
    for count in ["", "-1", "x", "0", "1", "99999999999999999999", "18446744073709551615"] {
        let child = seen(&[("GIT_CONFIG_COUNT", count), ("GIT_CONFIG_KEY_0", "safe.directory")], GitAccess::Local);
        assert!(!settings(&child).iter().any(|(key, _)| key == "safe.directory"), "{count}");
    }
}

#[test]
fn a_child_reaches_no_network_unless_it_is_for_that() {
    let local = seen(&[("SSH_AUTH_SOCK", "/agent")], GitAccess::Local);
    let remote = seen(&[("SSH_AUTH_SOCK", "/agent")], GitAccess::Network);
    let has = |child: &[String], line: &str| child.iter().any(|had| had == line);
    for line in ["GIT_TERMINAL_PROMPT=0", "GIT_NO_LAZY_FETCH=1", "GIT_OPTIONAL_LOCKS=0", "GIT_NO_REPLACE_OBJECTS=1"] {
        assert!(has(&local, line) && has(&remote, line), "{line}");
    }
    assert!(has(&local, "GIT_ALLOW_PROTOCOL=") && !has(&local, "SSH_AUTH_SOCK=/agent"));
    assert!(has(&remote, "GIT_ALLOW_PROTOCOL=https:ssh:file") && has(&remote, "SSH_AUTH_SOCK=/agent"));
    for key in ["core.fsmonitor", "core.hooksPath", "safe.bareRepository"] {
        for child in [&local, &remote] {
            assert!(settings(child).iter().any(|(name, _)| name == key), "{key}");
        }
    }
    for key in ["core.sshCommand", "core.askPass", "credential.helper", "protocol.allow"] {
        assert!(settings(&local).iter().any(|(name, _)| name == key), "{key}");
        assert!(!settings(&remote).iter().any(|(name, _)| name == key), "{key}");
    }
}
