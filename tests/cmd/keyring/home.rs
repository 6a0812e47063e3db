//! A home for one test: a ring, a mirror and a catalog below a temporary directory, and the program run in it.

use std::path::PathBuf;

use aileron_testkit::home::{TestHome, run};

/// RFC 8032 test 1, and 32 zero bytes' neighbour: 32 × 01.
pub(crate) const KR: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
pub(crate) const KR_FINGERPRINT: &str = "sha256:If4x36FUomFia/hUBG/SJx";
pub(crate) const OTHER: &str = "zQ+XqDem9XdybaOJylROIREFydn3+R52NFDRauN6M4w=";

/// keyring.md §1.2, the v2 example.
pub(crate) const EXAMPLE: &str = r#"{
  "version": 2,
  "owners": {
    "github://acme": [
      "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    ]
  },
  "publishers": {
    "github://zeta/widget": [
      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
      "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
    ]
  }
}
"#;

pub(crate) struct Home(pub(crate) TestHome);

pub(crate) struct Said {
    pub(crate) exit: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Home {
    pub(crate) fn new() -> Home {
        Home(TestHome::new())
    }

    pub(crate) fn with_ring(text: &str) -> Home {
        let home = Home::new();
        std::fs::create_dir(home.0.home().join(".aileron")).unwrap();
        std::fs::write(home.ring(), text).unwrap();
        home
    }

    pub(crate) fn ring(&self) -> PathBuf {
        self.0.home().join(".aileron/keyring.json")
    }

    pub(crate) fn saved(&self) -> String {
        std::fs::read_to_string(self.ring()).unwrap_or_default()
    }

    pub(crate) fn mirror(&self) -> PathBuf {
        self.0.home().join("mirror")
    }

    /// Publishes a key where a mirror of `example/repo` serves it.
    pub(crate) fn serve(&self, text: &str) {
        let path = self.mirror().join("example/repo/HEAD/keys/publisher.pub");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// `keyring` with the mirror.
    pub(crate) fn run(&self, args: &[&str]) -> Said {
        self.run_from(&self.mirror().display().to_string(), args)
    }

    /// `keyring` with another mirror; an empty one is none.
    pub(crate) fn run_from(&self, mirror: &str, args: &[&str]) -> Said {
        self.aileron(&[&["keyring"], args].concat(), &[("AILERON_MIRROR", mirror)])
    }

    /// The program, which finds its ring below `HOME`.
    pub(crate) fn aileron(&self, args: &[&str], variables: &[(&str, &str)]) -> Said {
        let mut command = self.0.consumer(args);
        let ran = run(command.env_remove("AILERON_HOME").envs(variables.iter().copied()));
        let shown = |text: &str| {
            text.replace(self.ring().to_str().unwrap(), "RING").replace(self.0.home().to_str().unwrap(), "HOME")
        };
        Said { exit: ran.code, out: shown(&ran.stdout), err: shown(&ran.stderr) }
    }

    pub(crate) fn catalog(&self) -> PathBuf {
        self.0.home().join("catalog")
    }

    /// Puts a file into the catalog.
    pub(crate) fn list(&self, file: &str, text: &str) {
        let path = self.catalog().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Lists a connector whose key is at an address.
    pub(crate) fn list_connector(&self, fqn: &str, publisher: &str, key_url: &str) {
        let file = format!("connectors/{}.yaml", fqn.replace("://", "_").replace('/', "_"));
        let text = format!(
            "fqn: {fqn}\ndescription: Connector of {publisher}\npublisher_github: {publisher}\nkey_url: {key_url}\nrelease_pattern: v*\n"
        );
        self.list(&file, &text);
    }

    /// Names the catalog in the user's configuration.
    pub(crate) fn configure(&self, url: &str) {
        std::fs::create_dir_all(self.0.home().join(".aileron")).unwrap();
        std::fs::write(self.0.home().join(".aileron/config.yaml"), format!("other: 1\nhub:\n  url: {url}\n")).unwrap();
    }
}

pub(crate) fn pem(base64_key: &str) -> String {
    aileron_verifier::trust::key::PublicKey::from_base64(base64_key).unwrap().to_pem()
}
