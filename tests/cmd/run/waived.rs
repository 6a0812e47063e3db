//! Verbs that work on a repository take the same waivers as a release of it. artifacts.md §3.

use aileron_testkit::home::TestHome;

/// A rule that may be waived, and an action that breaks it and no other.
const BROKEN: [(&str, &str, &str); 5] = [
    ("input-name", "", "\n[[inputs]]\nname = \"teaName\"\ntype = \"string\"\ndescription = \"x\"\n"),
    ("input-type", "", "\n[[inputs]]\nname = \"tea\"\ntype = \"String\"\ndescription = \"x\"\n"),
    ("input-description", "", "\n[[inputs]]\nname = \"tea\"\ntype = \"string\"\ndescription = \" \"\n"),
    (
        "input-duplicate",
        "",
        "\n[[inputs]]\nname = \"tea\"\ntype = \"string\"\ndescription = \"x\"\n[[inputs]]\nname = \"tea\"\ntype = \"string\"\ndescription = \"x\"\n",
    ),
    ("intent-empty", "intent", ""),
];

const VERBS: [&str; 6] = ["run ping", "run ping --wasm tea.wasm", "test", "test --wasm tea.wasm", "inspect", "build"];

#[test]
fn run_test_and_inspect_take_the_waivers_that_build_takes() {
    let home = TestHome::with_tea();
    home.ok("aileron-pub -C tea build --out tea.wasm");
    let file = "tea/actions/tea-ping/action.md";
    let action = home.read(file);
    for (rule, emptied, added) in BROKEN {
        let mut lines: Vec<String> = action.lines().map(str::to_owned).collect();
        if let Some(line) = lines.iter_mut().find(|line| !emptied.is_empty() && line.starts_with(emptied)) {
            *line = format!("{emptied} = \"\"");
        }
        let end = lines.iter().rposition(|line| line == "+++").unwrap();
        lines.insert(end, added.to_owned());
        home.write(file, lines.join("\n") + "\n");
        home.commit();
        for verb in VERBS {
            let line = format!("aileron-pub -C tea {verb}");
            let refused = home.run(&line);
            assert_eq!(refused.code, 6, "{rule}, {line}: {}{}", refused.stdout, refused.stderr);
            assert!(refused.stderr.contains(rule), "{rule}, {line}: {}", refused.stderr);
            home.ok(&format!("{line} --allow {rule}"));
            home.ok(&format!("{line} --allow {rule} --json"));
            let other = if rule == "input-name" { "input-type" } else { "input-name" };
            assert_eq!(home.run(&format!("{line} --allow {other}")).code, 6, "{rule} is not {other}");
            let unknown = home.run(&format!("{line} --allow toml-syntax"));
            assert_eq!(unknown.code, 2, "{}", unknown.stderr);
            assert!(unknown.stderr.contains("toml-syntax"), "{}", unknown.stderr);
        }
        // A look at a module alone asks nothing of the repository.
        home.ok(&format!("aileron-pub -C tea inspect --wasm tea.wasm --allow {rule}"));
        home.ok("aileron-pub -C tea inspect --wasm tea.wasm");
    }
}
