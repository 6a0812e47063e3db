//! The real `gh` takes the fake for GitHub: over plain HTTP, through a proxy setting, as `github.localhost`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use aileron_cli::publisher::forge::model::GitHub as Model;
use aileron_testkit::github::{FakeGitHub, Repository as Remote};
use aileron_testkit::home::{TestHome, ends, ok};
use aileron_testkit::peers;
use serde_json::json;

struct Gh {
    program: PathBuf,
    home: TestHome,
    fake: FakeGitHub,
}

impl Gh {
    fn run(&self, args: &[&str]) -> Command {
        let mut command = self.home.command(&self.program);
        command.args(args).env("GH_HOST", "github.localhost").env("GH_REPO", "github.localhost/acme/x");
        command.env("GH_TOKEN", "gho_test").env("GH_CONFIG_DIR", self.home.home().join("gh"));
        command.env("HTTP_PROXY", self.fake.url()).env("NO_COLOR", "1").env("GH_NO_UPDATE_NOTIFIER", "1");
        command
    }
}

#[test]
fn gh_creates_uploads_views_publishes_and_downloads() {
    let Some(program) = peers::program("gh") else { return };
    let mut github = Model::new(Remote::new("acme", "x"));
    let commit = "1".repeat(40);
    github.repository.branches.insert("main".to_owned(), commit.clone());
    let gh = Gh { program, home: TestHome::new(), fake: FakeGitHub::start(github) };
    let file = |name: &str, bytes: &[u8]| {
        let path = gh.home.path(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (first, second) = (file("aileron.tar.gz", b"one"), file("cohort.json", b"{}\n"));

    // A draft with an asset, and another asset later: two tags, one of them with slashes.
    for tag in ["v1.0.0", "actions/ping/v1.0.0"] {
        let create = ["release", "create", tag, "--draft", "--target", &commit, "--title", tag, "--notes", "Words."];
        ok(gh.run(&create).arg(&first));
        ok(&mut gh.run(&["release", "upload", tag, &second]));
        // Uploading the same name again is refused by the server; --clobber deletes first.
        let again = ends(&mut gh.run(&["release", "upload", tag, &second]), 1);
        assert!(again.stderr.contains("already exists") || again.stderr.contains("under the same name"), "{again}");
        ok(&mut gh.run(&["release", "upload", tag, &second, "--clobber"]));

        let fields = "tagName,name,isDraft,isPrerelease,targetCommitish,body,assets";
        let view = || ok(&mut gh.run(&["release", "view", tag, "--json", fields])).value();
        let draft = view();
        assert_eq!(draft["isDraft"], json!(true), "{draft}");
        ok(&mut gh.run(&["release", "edit", tag, "--draft=false", "--prerelease"]));
        let public = view();
        assert_eq!(
            (&public["tagName"], &public["name"], &public["isDraft"], &public["isPrerelease"], &public["body"]),
            (&json!(tag), &json!(tag), &json!(false), &json!(true), &json!("Words."))
        );
        assert_eq!(public["targetCommitish"], json!(commit));
        let mut assets: Vec<(&str, u64, &str)> = Vec::new();
        for asset in public["assets"].as_array().unwrap() {
            let text = |key: &str| asset[key].as_str().unwrap();
            assets.push((text("name"), asset["size"].as_u64().unwrap(), text("state")));
        }
        assets.sort_unstable();
        assert_eq!(assets, [("aileron.tar.gz", 3, "uploaded"), ("cohort.json", 3, "uploaded")]);

        let dir = gh.home.path(&format!("got-{}", tag.len()));
        ok(gh.run(&["release", "download", tag, "--dir"]).arg(&dir));
        assert_eq!(fs::read(dir.join("aileron.tar.gz")).unwrap(), b"one");
        assert_eq!(fs::read(dir.join("cohort.json")).unwrap(), b"{}\n");
    }

    // What is not there, and what gh asks by GraphQL.
    let absent = ends(&mut gh.run(&["release", "view", "v9.9.9"]), 1);
    assert!(absent.stderr.contains("release not found"), "{absent}");
    let tag = ok(&mut gh.run(&["api", "repos/acme/x/git/ref/tags/actions/ping/v1.0.0"])).value();
    assert_eq!(tag["object"]["sha"], json!(commit), "publishing made the tag");
    let releases = ok(&mut gh.run(&["api", "repos/acme/x/releases", "--paginate"])).value();
    assert_eq!(releases.as_array().map(Vec::len), Some(2), "{releases}");
    let unanswered: Vec<_> = gh.fake.log().into_iter().filter(|entry| entry.status.is_none_or(|s| s >= 500)).collect();
    assert!(unanswered.is_empty(), "{unanswered:?}");
}
