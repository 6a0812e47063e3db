//! Releases that are killed or interrupted, and the next one.

use super::*;

/// Waits for a condition while the child runs; whether it came true in time.
fn until(child: &mut Child, condition: impl Fn() -> bool) -> bool {
    while !condition() {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        std::thread::yield_now();
    }
    true
}

fn count(directory: &Path, file: &str) -> usize {
    listing(directory).iter().filter(|path| path.ends_with(file)).count()
}

/// After any interruption: what is listed verifies, and the same command makes of it exactly the uninterrupted release.
fn converges(repository: &Repository<'_>, registry: &Path, whole: &Path, when: &str) {
    let place = registry.join(CONNECTOR);
    let index = fs::read(place.join("releases/index.json")).ok();
    let listed = index.map(|bytes| serde_json::from_slice::<Value>(&bytes).unwrap()["versions"].clone());
    if listed.is_some_and(|versions| versions == json!(["0.1.0"])) {
        let verdict = ok(&mut repository.verify(registry)).json();
        let all = count(whole, "/aileron.tar.gz");
        assert_eq!(verdict["verified"], json!(all), "{when}: a listed version is whole");
    } else if count(&place.join("releases"), "/aileron.tar.gz") > 0 {
        ok(&mut repository.verify(registry)); // what is public already is at least true
    }
    ok(&mut repository.release("v0.1.0", registry));
    // Killed when nothing was left to write, a run leaves its lock file behind, unlocked; the next run has nothing to write
    // and takes no lock.
    let (mut found, mut bytes) = (listing(registry), contents(registry));
    found.remove(".release.lock");
    bytes.remove(".release.lock");
    assert!(found == listing(whole), "{when}: {found:?}");
    assert!(bytes == contents(whole), "{when}: other bytes than an uninterrupted release");
}

#[test]
fn a_release_killed_at_any_moment_converges() {
    let home = TestHome::new();
    let repository = many(&home, 60);
    let whole = home.path("whole");
    let started = Instant::now();
    ok(&mut repository.release("v0.1.0", &whole));
    let lasts = started.elapsed();
    let mut seed = 0x5eed_u64;
    let mut random = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 32) as u32
    };
    for round in 0..10 {
        let registry = home.path(&format!("random-{round}"));
        let mut child = start(&mut repository.release("v0.1.0", &registry));
        // The delay is what is tested here, not a way to wait for something.
        std::thread::sleep(lasts * (random() % 1000) / 1000);
        child.kill().unwrap();
        child.wait().unwrap();
        converges(&repository, &registry, &whole, &format!("killed at random, round {round}"));
    }
}

#[test]
fn a_release_killed_between_any_two_writes_converges() {
    let home = TestHome::new();
    let repository = many(&home, 60);
    let whole = home.path("whole");
    ok(&mut repository.release("v0.1.0", &whole));
    let mut during = 0;
    for round in 0..12 {
        let registry = home.path(&format!("registry-{round}"));
        let place = registry.join(CONNECTOR);
        let (staged, public) = (round % 6 * 10, round >= 6);
        let mut child = start(&mut repository.release("v0.1.0", &registry));
        let area = place.join(if public { "releases" } else { ".staging" });
        let reached = until(&mut child, || area.exists() && count_quietly(&area) > staged);
        child.kill().unwrap();
        child.wait().unwrap();
        during += usize::from(reached && !place.join("releases/index.json").exists());
        let when = format!("killed after {staged} {}", if public { "flips" } else { "uploads" });
        converges(&repository, &registry, &whole, &when);
    }
    assert!(during >= 3, "only {during} of 12 kills fell between writes");
}

/// Archives below a directory that changes while it is read.
fn count_quietly(directory: &Path) -> usize {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let archive = |entry: fs::DirEntry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => count_quietly(&entry.path()),
        _ => usize::from(entry.file_name() == "aileron.tar.gz"),
    };
    entries.map(archive).sum()
}

#[test] // what a kill leaves in the narrowest places: a temporary not yet renamed, staging directories just emptied
fn debris_of_a_killed_release_is_swept_by_the_next() {
    let home = TestHome::new();
    let (repository, whole) = (demo(&home), home.path("whole"));
    ok(&mut repository.release("v0.1.0", &whole));
    let registry = home.path("registry");
    tree::copy(&whole, &registry);
    let place = registry.join(CONNECTOR);
    fs::remove_file(place.join("releases/index.json")).unwrap();
    for debris in [".staging/actions%2Fdemo-ping%2Fv0.1.0", ".staging/v0.1.0"] {
        fs::create_dir_all(place.join(debris)).unwrap();
    }
    for debris in ["HEAD/keys", "releases", ".staging/v0.1.0"] {
        fs::write(place.join(debris).join(".aileron-a1B2c3"), "half").unwrap();
    }
    ok(&mut repository.release("v0.1.0", &registry));
    assert_eq!(listing(&registry), listing(&whole));
}

#[test] // artifacts.md §8 and §12
fn an_interrupted_release_says_how_to_go_on() {
    let home = TestHome::new();
    let repository = many(&home, 60);
    let whole = home.path("whole");
    ok(&mut repository.release("v0.1.0", &whole));
    for json in [true, false] {
        let stopped = (0..20).find_map(|round| interrupt(&repository, &home.path(&format!("r-{json}-{round}")), json));
        let (registry, said) = stopped.expect("one of 20 signals arrives between two writes");
        if json {
            let error = error(&said);
            assert_eq!(error["class"], "incomplete");
            assert!(error["next"].as_str().unwrap().contains("run the same command again"), "{error}");
        } else {
            assert!(said.stderr.contains("incomplete: interrupted after "), "{said}");
            assert!(said.stderr.contains("run the same command again"), "{said}");
        }
        assert_eq!(repository.git(&["status", "--porcelain"]), "");
        assert!(!registry.join(CONNECTOR).join("releases/index.json").exists());
        converges(&repository, &registry, &whole, "interrupted");
    }
}

/// Stops a release in its first uploads, interrupts it, lets it go on: it hears the signal with most writes ahead.
fn interrupt(repository: &Repository<'_>, registry: &Path, json: bool) -> Option<(std::path::PathBuf, Ran)> {
    let key = repository.key.to_str().unwrap();
    let mut command = repository.publisher(&["release", "v0.1.0", "--to", &directory(registry), "--key", key]);
    let mut child = start(command.args(json.then_some("--json")));
    let staging = registry.join(CONNECTOR).join(".staging");
    let reached = until(&mut child, || staging.exists());
    if reached {
        signal(&child, Signal::STOP);
        signal(&child, Signal::INT);
        signal(&child, Signal::CONT);
    }
    let deadline = Instant::now() + Duration::from_secs(30);
    while child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "an interrupted release ends");
        std::thread::yield_now();
    }
    let said = ended(child);
    assert!(matches!(said.code, 0 | 130), "{said}");
    (said.code == 130 && reached).then(|| (registry.to_owned(), said))
}
