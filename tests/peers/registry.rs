//! Features and registries as others know them: Debian's `docker-registry` takes our push, `skopeo` copies it out, and the
//! reference `devcontainer` packs what we made and reads what we published.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aileron_cli::publisher::unit::archive;
use aileron_testkit::Requirement;
use aileron_testkit::home::{TestHome, ok};
use aileron_testkit::peers::package;
use aileron_testkit::registry::{FakeRegistry, Nature, Tags};
use aileron_testkit::scripted::Identity;

/// Debian's registry on a port of its choice. It ends with the test.
struct DockerRegistry {
    child: Child,
    log: PathBuf,
}

impl DockerRegistry {
    fn start(home: &TestHome) -> DockerRegistry {
        let (config, log) = (home.all().join("registry.yml"), home.all().join("registry.log"));
        let storage = home.all().join("storage");
        let text = format!(
            "version: 0.1\nlog: {{level: info, formatter: json}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: 127.0.0.1:0}}\n",
            storage.display()
        );
        fs::write(&config, text).unwrap();
        let err = File::create(&log).unwrap();
        let child = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(err.try_clone().unwrap())
            .stderr(err)
            .spawn()
            .unwrap();
        DockerRegistry { child, log }
    }

    /// `127.0.0.1:PORT`, once its log names it.
    fn host(&mut self) -> String {
        let patience = Instant::now() + Duration::from_secs(60);
        loop {
            let log = self.log();
            let named = log.split("listening on ").nth(1).and_then(|rest| rest.split_once('"'));
            if let Some((host, _)) = named {
                return host.to_owned();
            }
            assert!(self.child.try_wait().unwrap().is_none() && Instant::now() < patience, "{log}");
            std::thread::yield_now();
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Requests in its log that change something.
    fn writes(&self) -> usize {
        let log = self.log();
        let is_write = |line: &&str| {
            ["POST", "PUT", "PATCH", "DELETE"]
                .iter()
                .any(|method| line.contains(&format!("\"http.request.method\":\"{method}\"")))
        };
        log.lines().filter(|line| line.contains("response completed")).filter(is_write).count()
    }
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A home with a filled-in Feature `gh`.
fn with_feature() -> TestHome {
    let home = TestHome::new();
    home.ok("aileron-pub unit init gh");
    for (mark, filled) in [
        ("<arguments that log in>", "login"),
        ("<arguments that print the token>", "token"),
        ("<host that gets the credential>", "api.github.com"),
        ("<variable that gh reads its token from>", "GH_TOKEN"),
    ] {
        home.replace("gh/devcontainer-feature.json", mark, filled);
    }
    home
}

fn digest(home: &TestHome, line: &str) -> String {
    home.ok(&format!("{line} --json --quiet")).json()["digest"].as_str().unwrap().to_owned()
}

fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(dir.join("blobs/sha256"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn a_real_registry_takes_our_push_gives_it_out_identical_and_the_second_push_writes_nothing() {
    if !Requirement::DockerRegistry.is_met() || !Requirement::Skopeo.is_met() {
        return;
    }
    let home = with_feature();
    let mut registry = DockerRegistry::start(&home);
    let host = registry.host();
    let line = format!("aileron-pub unit push gh {host}/acme/features/gh --plain-http");
    let pushed = digest(&home, &line);
    let writes = registry.writes();
    assert!(writes >= 8, "{writes}: two blobs and four tags");
    let again = home.ok(&line);
    assert!(again.stdout.contains("nothing to write"), "{again}");
    assert_eq!(registry.writes(), writes, "the second push writes nothing");
    // What comes out is what a push into a directory makes.
    assert_eq!(digest(&home, "aileron-pub unit push gh oci:ours"), pushed);
    for tag in ["0.0.1", "0.0", "0", "latest"] {
        let mut skopeo = home.command("skopeo");
        skopeo.args(["--insecure-policy", "copy", "--quiet", "--src-tls-verify=false"]);
        ok(skopeo.arg(format!("docker://{host}/acme/features/gh:{tag}")).arg(format!("oci:theirs:{tag}")));
    }
    assert_eq!(files(&home.path("ours")), files(&home.path("theirs")));
    // The other way: skopeo reads our layout, and what it put there is ours.
    let mut skopeo = home.command("skopeo");
    skopeo.args(["--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false", "oci:ours:0.0.1"]);
    ok(skopeo.arg(format!("docker://{host}/acme/copied/gh:0.0.1")));
    let taken = home.ok(&format!("aileron-pub unit push gh {host}/acme/copied/gh --plain-http --json --quiet")).json();
    assert_eq!((&taken["tags"][0]["step"], &taken["blobs_sent"]), (&"there".into(), &0.into()), "{taken}");
}

#[test]
fn the_reference_tool_packs_our_scaffold_and_our_reader_reads_its_archive() {
    let Some(devcontainer) = package("@devcontainers/cli/devcontainer.js") else { return };
    let home = with_feature();
    home.ok("aileron-pub unit pack gh --out ours");
    let mut pack = home.command("node");
    pack.arg(&devcontainer).args(["features", "package", "--output-folder", "theirs", "gh"]);
    ok(&mut pack);
    let read =
        |place: &str| archive::read(&fs::read(home.path(place).join("devcontainer-feature-gh.tgz")).unwrap()).unwrap();
    assert_eq!(read("theirs"), read("ours"));
    // With comments, which the reference tool leaves in the archive.
    home.replace("gh/devcontainer-feature.json", "\"id\":", "// the tool\n  \"id\":");
    let mut pack = home.command("node");
    pack.arg(&devcontainer).args(["features", "package", "--output-folder", "commented", "gh"]);
    ok(&mut pack);
    let manifest =
        |place: &str| read(place).into_iter().find(|file| file.path == "devcontainer-feature.json").unwrap().bytes;
    assert!(aileron_cli::publisher::unit::published::agree(&manifest("ours"), &manifest("commented")));
}

#[test]
fn the_reference_tool_reads_what_we_pushed_over_tls() {
    let Some(devcontainer) = package("@devcontainers/cli/devcontainer.js") else { return };
    if !Requirement::Openssl.is_met() {
        return;
    }
    let (home, identity) = (with_feature(), Identity::new());
    // It reads the first page of tags only.
    let registry = FakeRegistry::with_tls(Nature { tags: Tags::Whole, ..Nature::default() }, &identity);
    // To a host named localhost the reference tool speaks without TLS.
    let place = format!("{}/acme/gh", registry.host().replace("localhost", "127.0.0.1"));
    let line = format!("SSL_CERT_FILE={} aileron-pub unit push gh {place}", identity.authority().display());
    let pushed = digest(&home, &line);
    let mut info = home.command("node");
    info.env("NODE_EXTRA_CA_CERTS", identity.authority());
    info.arg(&devcontainer).args(["features", "info", "manifest", &place, "--output-format", "json"]);
    let shown = ok(&mut info).value();
    assert_eq!(shown["canonicalId"], format!("{place}@{pushed}"), "{shown}");
    let metadata = shown["manifest"]["annotations"]["dev.containers.metadata"].as_str().unwrap();
    let theirs: serde_json::Value = serde_json::from_str(metadata).unwrap();
    let ours: serde_json::Value = serde_json::from_str(&home.read("gh/devcontainer-feature.json")).unwrap();
    assert_eq!(theirs, ours);
    let mut tags = home.command("node");
    tags.env("NODE_EXTRA_CA_CERTS", identity.authority());
    tags.arg(&devcontainer).args(["features", "info", "tags", &place, "--output-format", "json"]);
    let shown = ok(&mut tags).value();
    let mut published: Vec<&str> =
        shown["publishedTags"].as_array().unwrap().iter().filter_map(|tag| tag.as_str()).collect();
    published.sort_unstable();
    assert_eq!(published, ["0", "0.0", "0.0.1", "latest"]);
}

/// What skopeo copies out under a tag: the manifest, and its one layer as JSON.
fn published(home: &TestHome, place: &str, dir: &str) -> (serde_json::Value, serde_json::Value) {
    let mut skopeo = home.command("skopeo");
    skopeo.args(["--insecure-policy", "copy", "--quiet", "--src-tls-verify=false"]);
    ok(skopeo.arg(format!("docker://{place}:latest")).arg(format!("dir:{dir}")));
    let json = |file: &str| serde_json::from_slice(&fs::read(home.path(dir).join(file)).unwrap()).unwrap();
    let manifest: serde_json::Value = json("manifest.json");
    let layer = manifest["layers"][0]["digest"].as_str().unwrap().split_once(':').unwrap().1.to_owned();
    (manifest, json(&layer))
}

#[test] // cli-unit.md §12.4
fn a_collection_is_published_as_the_reference_tool_publishes_it() {
    let Some(devcontainer) = package("@devcontainers/cli/devcontainer.js") else { return };
    if !Requirement::DockerRegistry.is_met() || !Requirement::Skopeo.is_met() {
        return;
    }
    let home = with_feature();
    fs::create_dir(home.path("src")).unwrap();
    fs::rename(home.path("gh"), home.path("src/gh")).unwrap();
    let mut registry = DockerRegistry::start(&home);
    // To a host named localhost the reference tool speaks without TLS.
    let host = registry.host().replace("127.0.0.1", "localhost");
    let mut publish = home.command("node");
    publish.arg(&devcontainer).args(["features", "publish", "--registry", &host, "--namespace", "acme/theirs", "src"]);
    ok(&mut publish);
    let line = format!("aileron-pub unit push src {host}/acme/ours --plain-http");
    home.ok(&line);
    let (mut theirs, their_list) = published(&home, &format!("{host}/acme/theirs"), "theirs");
    let (mut ours, our_list) = published(&home, &format!("{host}/acme/ours"), "ours");
    for manifest in [&mut theirs, &mut ours] {
        // The list says who packed.
        let layer = manifest["layers"][0].as_object_mut().unwrap();
        assert!(layer.remove("digest").is_some() && layer.remove("size").is_some());
    }
    assert_eq!(ours, theirs);
    assert_eq!(our_list["features"], their_list["features"]);
    let writes = registry.writes();
    assert!(home.ok(&line).stdout.contains("nothing to write"));
    assert_eq!(registry.writes(), writes, "the second push writes nothing");
}
