//! What `init` asks: on a terminal only, never twice what a flag says, and nothing is written before everything is answered.
//! spinframework/spin#2643: prompts that hang or overwrite.

use std::fs;

use aileron_testkit::home::TestHome;
use aileron_testkit::home::terminal::Terminal;

const ENTER: &str = "\r";
const CTRL_C: &str = "\u{3}";
const CTRL_D: &str = "\u{4}";
const BACKSPACE: &str = "\u{7f}";
const ESCAPE: &str = "\u{1b}";

fn started(home: &TestHome, line: &str) -> Terminal {
    Terminal::start(&home.typed(line))
}

#[test]
fn five_answers_make_a_repository() {
    let home = TestHome::new();
    let mut terminal = started(&home, "aileron-pub init aileron-connector-tea");
    terminal.until("GitHub owner");
    terminal.types("acme\r");
    terminal.until("Language:");
    terminal.types("Text\r");
    terminal.until("Credential:");
    terminal.types(ENTER);
    terminal.until("Operations");
    terminal.types(ENTER);
    terminal.until("Who signs releases:");
    terminal.types(ENTER);
    let (code, said) = terminal.end();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("made aileron-connector-tea, with one commit"), "{said}");
    let config = home.read("aileron-connector-tea/aileron-pub.toml");
    assert!(config.contains("language = \"wat\"") && config.contains("signing = \"approve\""), "{config}");
}

#[test]
fn what_cannot_be_an_answer_is_asked_for_again() {
    let home = TestHome::new();
    let flags = "--owner acme --language wat --credential none --signing ci";
    let mut terminal = started(&home, &format!("aileron-pub init tea {flags}"));
    terminal.until("Operations");
    terminal.types("Not-A-Name\r");
    terminal.until("write NAME");
    terminal.types(&format!("{}ping\r", BACKSPACE.repeat(10)));
    let (code, said) = terminal.end();
    assert_eq!(code, 0, "{said}");
    assert!(home.path("tea/tests/ping.toml").is_file());

    let mut terminal =
        started(&home, "aileron-pub init coffee --language wat --credential none --op ping --signing ci");
    terminal.until("GitHub owner");
    terminal.types("   \r");
    terminal.until("an answer is needed");
    terminal.types(&format!("{}-acme\r", BACKSPACE.repeat(3)));
    let (code, said) = terminal.end();
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("is not a GitHub owner") && !home.path("coffee").exists(), "{said}");
}

#[test]
fn no_answer_ends_it_and_nothing_is_written() {
    for (key, means) in [(CTRL_C, "interrupted"), (ESCAPE, "no answer given"), (CTRL_D, "")] {
        for (question, flags) in [
            ("GitHub owner", ""),
            ("Language:", "--owner acme"),
            ("Credential:", "--owner acme --language wat"),
            ("Client id", "--owner acme --language wat --credential oauth2"),
            ("Operations", "--owner acme --language wat --credential none"),
            ("Who signs releases:", "--owner acme --language wat --credential none --op ping"),
        ] {
            let home = TestHome::new();
            let mut terminal = started(&home, &format!("aileron-pub init tea {flags}"));
            terminal.until(question);
            terminal.types(key);
            if key == CTRL_D {
                // A question has no use for this key: a terminal that goes away is the end of its input.
                terminal.closes();
            } else {
                let (code, said) = terminal.end();
                assert_eq!(code, 2, "{question} {key:?}: {said}");
                assert!(said.contains(means) && said.contains("nothing was written"), "{question} {key:?}: {said}");
                assert!(said.contains("aileron-pub init tea") && said.contains("--signing approve"), "{said}");
            }
            assert_eq!(fs::read_dir(home.root()).unwrap().count(), 0, "{question} {key:?}");
        }
    }
}

#[test]
fn off_a_terminal_all_that_is_missing_is_named_as_one_command() {
    let home = TestHome::new();
    for (said, flags, command) in [
        (
            "",
            "--owner, --language, --credential, --op, --signing",
            "aileron-pub init tea --owner OWNER --language go --credential api_key --op get_item --op comment_on_item:gated --signing approve",
        ),
        (
            "--language wat --owner acme",
            "--credential, --op, --signing",
            "aileron-pub init tea --owner acme --language wat --credential none --op about --op ping --signing approve",
        ),
        (
            "--owner acme --language rust --preset google",
            "--credential, --client-id, --op, --signing",
            "aileron-pub init tea --owner acme --language rust --preset google --credential oauth2 --client-id CLIENT_ID --op list_calendars --signing approve",
        ),
        (
            "--owner acme --language rust --credential oauth2 --yes",
            "--client-id",
            "aileron-pub init tea --owner acme --language rust --credential oauth2 --client-id CLIENT_ID --yes",
        ),
    ] {
        let ran = home.run(&format!("aileron-pub init tea {said}"));
        assert_eq!(ran.code, 2, "{ran}");
        assert!(ran.stderr.contains(&format!("not given: {flags}\n")), "{ran}");
        assert!(ran.stderr.contains(&format!("next: {command}\n")), "{ran}");
        assert!(!home.path("tea").exists());
        let filled = command.replace("OWNER", "acme").replace("CLIENT_ID", "id-1");
        assert_eq!(home.run(&format!("{filled} --dry-run")).code, 0, "{filled}");
    }
}

#[test]
fn a_directory_in_use_is_refused_before_anything_is_asked() {
    let home = TestHome::new();
    home.write("tea/notes", "mine");
    let (code, said) = started(&home, "aileron-pub init tea").end();
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("is not an empty directory") && !said.contains("GitHub owner"), "{said}");
    assert_eq!(home.read("tea/notes"), "mine");
}
