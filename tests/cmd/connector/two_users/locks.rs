//! Locks, modes and configuration.

use super::*;

#[test]
fn locks_of_another_user_block_no_command() {
    if !is_root() {
        return;
    }
    let scene = Scene::new();
    // As earlier versions made them: others can list them, and so lock them.
    for open in ["store", "actions", "store/connectors"] {
        mode(&scene.home.join(open), 0o755);
    }
    let _held = scene.hold(&[".", "store", "actions", "keyring.json", "store/connectors"]);
    let archive = scene.path("good.tar.gz");
    for line in [
        "keyring revoke --wait-lock 0s github://acme".to_owned(),
        "action remove say --yes --wait-lock 0s".to_owned(),
        "connector remove github://acme/echo@1.2.3 --yes --wait-lock 0s".to_owned(),
        format!("verify {} --key /dev/null", archive.display()),
        "connector check --offline --wait-lock 0s".to_owned(),
    ] {
        let (code, said) = scene.run(&line);
        assert_eq!(code == 0, !line.starts_with("verify"), "{line}: {said}");
        assert!(!said.contains("locked"), "{line}: {said}");
    }
}

#[test]
fn directories_below_the_home_are_ours_alone_whatever_the_umask() {
    if !is_root() {
        return;
    }
    for umask in ["000", "002", "022", "077"] {
        let scene = Scene::new();
        fs::remove_dir_all(scene.home.join("cache")).unwrap();
        fs::remove_dir_all(scene.home.join("store")).unwrap();
        fs::remove_dir_all(scene.home.join("actions")).unwrap();
        let line = format!(
            "umask {umask}; \"$BIN\" connector install \"{}\" --yes --quiet && \"$BIN\" connector run github://acme/echo@1.2.3 echo",
            scene.path("good.tar.gz").display()
        );
        let mut shell = Command::new("sh");
        shell.args(["-c", &line]).env("BIN", env!("CARGO_BIN_EXE_aileron")).env("AILERON_HOME", &scene.home);
        let said = shell.stdin(Stdio::null()).output().unwrap();
        assert!(said.status.success(), "umask {umask}: {}", String::from_utf8_lossy(&said.stderr));
        let mut folders = vec![scene.home.join("cache"), scene.home.join("store")];
        let mut seen = 0;
        while let Some(folder) = folders.pop() {
            seen += 1;
            let found = fs::metadata(&folder).unwrap().permissions().mode() & 0o777;
            assert_eq!(found, 0o700, "umask {umask}: {}", folder.display());
            folders
                .extend(fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()));
        }
        assert!(seen >= 6, "umask {umask}: {seen} directories");
        scene.plant("cd $H/cache && mv compiled x; cd $H/store && mv connectors x");
        assert_eq!(scene.run("connector run github://acme/echo@1.2.3 echo").0, 0, "umask {umask}");
    }
}

#[test]
fn a_configuration_of_another_user_does_not_say_where_keys_are_looked_up() {
    if !is_root() {
        return;
    }
    let config = "printf 'hub:\\n  url: /evil.example\\n' > $H/config.yaml";
    let places: [Open; 2] = [|s| mode(&s.home, 0o777), |s| mode(&s.home, 0o1777)];
    for open in places {
        let scene = Scene::new();
        open(&scene);
        scene.plant(config);
        let (code, said) = scene.run("keyring trust github://evil");
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("config.yaml") && !said.contains("evil.example"), "{said}");
    }
}
