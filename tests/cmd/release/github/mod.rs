//! Publishing to GitHub: the real binary against the fake one, and the library in front of the model of GitHub, on a clock
//! where hours pass.

mod approval;
mod blank;
mod causes;
mod crash;
mod drafts;
mod economy;
mod faults;
mod killed;
mod numbers;
mod over_http;
mod reference;
mod stage;

use std::fs;

use aileron_testkit::github::{GitHub as Model, Repository as Remote};
use aileron_testkit::home::{OWNER, Repository, TestHome};

const SERVICE: &str = "weather";

fn model() -> Model {
    Model::new(Remote::new(OWNER, format!("aileron-connector-{SERVICE}")))
}

/// A repository of one connector and so many actions.
fn repository(home: &TestHome, actions: usize) -> Repository<'_> {
    let repository = home.scaffold(SERVICE, "wat");
    let (name, text) = first_action(&repository);
    let here = fs::read_dir(repository.root.join("actions")).unwrap().count();
    let mut suite = repository.read("suite.toml").trim_end().trim_end_matches(']').to_owned();
    for number in here..actions {
        let another = format!("another-{number}");
        suite.push_str(&format!(", \"actions/{another}\""));
        repository.write(&format!("actions/{another}/action.md"), &text.replace(&name, &another));
    }
    if actions > here {
        repository.write("suite.toml", &format!("{suite}]\n"));
        repository.commit("more actions");
    }
    repository
}

fn first_action(repository: &Repository<'_>) -> (String, String) {
    let entries = fs::read_dir(repository.root.join("actions")).unwrap();
    let name = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).min().unwrap();
    let text = repository.read(&format!("actions/{name}/action.md"));
    (name, text)
}
