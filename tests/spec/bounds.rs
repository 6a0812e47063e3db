//! Bounds before the signature: for any untrusted bytes the answer is short and it comes. artifacts.md §10.

use aileron_testkit::{Toy, fuzzed};
use aileron_verifier::problem::{MOST_PROBLEMS, MOST_PROBLEMS_OF_SOURCE, Source};
use aileron_verifier::text::toml::Stage;
use proptest::prelude::*;

/// Lines `make` gives, one after the other.
fn many(count: usize, make: impl Fn(usize) -> String) -> String {
    (0..count).map(make).collect()
}

/// Documents that break a rule as often as fits, or in as odd a place as there is.
fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    let head = "[connector]\nname = \"github://a/b\"\nversion = \"1.0.0\"\n";
    let network = format!("{head}[capabilities.network]\nhosts = [");
    let toy = Toy::default();
    let action = toy.action_document("say");
    let split = action.find("[[execute]]").expect("the toy has steps");
    let (before, after) = action.split_at(split);
    let with = |what: &str| format!("{before}{what}{after}").into_bytes();
    let step = |id: &str| format!("[[execute]]\nid = \"{id}\"\nconnector = \"{}\"\nop = \"x\"\n", toy.name);
    vec![
        ("3,000 bad hosts on one line", format!("{network}{}]\n", many(3_000, |n| format!("\"*{n}\",")))),
        ("50,000 bad hosts", format!("{network}{}]\n", many(50_000, |n| format!("\"*{n}\",\n")))),
        ("50,000 times one host", format!("{network}{}]\n", "\"a:1\",".repeat(50_000))),
        ("20,000 unknown keys", format!("{head}{}", many(20_000, |n| format!("k{n} = 1\n")))),
        ("50,000 unknown keys", many(50_000, |n| format!("k{n}=1\n"))),
        ("10,000 unknown tables", many(10_000, |n| format!("[t{n}]\nx = 1\n"))),
        ("50,000 values of the wrong type", format!("{network}{}]\n", "1,".repeat(50_000))),
        ("a column behind 65,535", format!("{network}\"a.b:1\", \"{}.c:1\", \"x\"]\n", "a".repeat(66_000))),
        ("one string over a megabyte's half", format!("x = \"{}", "a".repeat(500_000))),
        ("a name of 900,000 bytes", head.replace("a/b", &format!("a/{}", "b".repeat(900_000)))),
        ("a version of 900,000 bytes", head.replace("1.0.0", &format!("1.0.0-{}", "b".repeat(900_000)))),
        ("a key of 900,000 bytes", format!("{head}{} = 1\n", "k".repeat(900_000))),
        ("900,000 brackets", "[".repeat(900_000)),
        ("900,000 braces", format!("x = {}", "{".repeat(900_000))),
        ("a list of 400,000", format!("x = [{}]", "1,".repeat(400_000))),
        ("100,000 comments", "# é\n".repeat(100_000)),
        ("a comment of 900,000 wide characters", format!("{head}x = 1 # {}", "茶".repeat(300_000))),
        ("characters that turn the line", format!("{network}\"{}\"]\n", "\u{202e}".repeat(100_000))),
        ("marks without a base", format!("{network}\"{}\"]\n", "\u{301}".repeat(100_000))),
        ("nothing", String::new()),
        ("line ends", "\r\n".repeat(400_000)),
        ("a fence and no more", "+++\n".to_owned()),
        (
            "a range over 200,000 lines",
            format!("{head}[capabilities.network]\nhosts = 1\nx = [{}]", "\n".repeat(200_000)),
        ),
    ]
    .into_iter()
    .map(|(why, text)| (why, text.into_bytes()))
    .chain([
        ("12,000 times one step id", with(&many(12_000, |_| step("again")))),
        (
            "5,000 inputs that break four rules",
            with(&"[[inputs]]\nname = \"A\"\ntype = \"x\"\ndescription = \"\"\n".repeat(5_000)),
        ),
        (
            "10,000 references to no step",
            with(&format!("{}[execute.inputs]\nx = \"{}\"\n", step("s"), many(10_000, |n| format!("${{a{n}.b}}")))),
        ),
        (
            "10,000 references in vain",
            with(&format!("{}[execute.inputs]\nx = \"{}\"\n", step("s"), "${args.".repeat(10_000))),
        ),
        ("bytes that are no text", b"x = 1\n\xff".to_vec()),
        ("half a character", b"+++\nname = \"\xe2\x82".to_vec()),
        ("UTF-16", "x = 1".encode_utf16().flat_map(u16::to_le_bytes).collect()),
    ])
    .collect()
}

#[test] // artifacts.md §10
fn a_hostile_document_has_a_short_answer_and_its_problems_fit_it() {
    let all = hostile();
    let (one, other): (Vec<_>, Vec<_>) = all.iter().enumerate().partition(|(number, _)| number % 2 == 0);
    std::thread::scope(|scope| {
        for half in [one, other] {
            scope.spawn(move || {
                for (_, (why, document)) in half {
                    aileron_testkit::say(format_args!("{why}: {} bytes", document.len()));
                    fuzzed::document(document);
                    fuzzed::suite(document);
                    fuzzed::ring(document);
                    fuzzed::statement(document);
                    fuzzed::proposal(document);
                }
            });
        }
    });
}

#[test] // artifacts.md §10
fn a_suite_with_fifty_thousand_faults_names_a_hundred() {
    let member = |n: usize| format!("[[actions]]\nfqn = \"{n}\"\n");
    for text in [
        format!("[suite]\nname = \"n\"\ndescription = \"d\"\n{}", many(10_000, member)),
        format!("name = \"n\"\ndescription = \"d\"\nactions = [{}]\n", "\"x\",".repeat(50_000)),
        format!("name = \"n\"\ndescription = \"d\"\nactions = [{}]\n", "\"actions/x\",".repeat(50_000)),
    ] {
        fuzzed::suite(text.as_bytes());
        let source = Source::new("suite.toml", text);
        let repository = aileron_verifier::artifact::suite::RepositorySuite::parse(source.clone());
        let install = aileron_verifier::artifact::suite::InstallSuite::parse(source);
        // A publisher sees more of what is wrong with a file of its own.
        let kept = [repository.problems.len(), install.problems.len()];
        assert!(kept[0] == MOST_PROBLEMS_OF_SOURCE || kept[1] == MOST_PROBLEMS, "{kept:?}");
        assert!(repository.more + install.more > 9_000, "{kept:?}");
    }
}

#[test] // artifacts.md §3: a waiver passes the rules it names and no others, however often they are broken
fn many_waivable_problems_hide_no_other_one() {
    let toy = Toy::default();
    let inputs = "[[inputs]]\nname = \"A\"\ntype = \"string\"\ndescription = \"x\"\n".repeat(1_000);
    for (late, rule) in [
        ("[[inputs]]\nname = \"b\"\ntype = \"Nonsense\"\ndescription = \"x\"\n", "input-type"),
        ("[[inputs]]\nname = \"b\"\ntype = \"string\"\ndescription = \" \"\n", "input-description"),
        ("[[inputs]]\nname = \"b\"\ntype = \"string\"\ndescription = \"x\"\nlabel = \" \"\n", "input-label"),
        ("[[inputs]]\nname = \"b\"\ntype = \"string\"\ndescription = \"x\"\nnonsense = 1\n", "unknown-key"),
        ("[[inputs]]\nname = \"b\"\ntype = \"string\"\ndescription = 1\n", "wrong-type"),
    ] {
        let text = toy.action_document("say").replacen("[[execute]]", &format!("{inputs}{late}[[execute]]"), 1);
        let parsed = aileron_verifier::artifact::action::Action::parse(Source::new("action.md", text), Stage::Artifact);
        assert!(parsed.problems.iter().any(|problem| problem.rule.id() == rule), "{rule}");
        let waivable = parsed.problems.iter().all(|problem| problem.rule.is_waivable());
        assert_eq!(parsed.document.is_some(), waivable, "{rule}");
    }
}

/// A document of the toy's with a few stretches replaced.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let toy = Toy::default();
    let documents = vec![toy.manifest().into_bytes(), toy.action_document("say").into_bytes()];
    let change = (any::<prop::sample::Index>(), 0_usize..6, prop::collection::vec(any::<u8>(), 0..4));
    let odd =
        prop::sample::select(vec!["\"", "'", "[", "]", "=", "\n", "é", "\u{202e}", "\\", "\"\"\"", "{", "${", "\r"]);
    let change = (change, prop::option::of(odd));
    (prop::sample::select(documents), prop::collection::vec(change, 1..5)).prop_map(|(mut bytes, changes)| {
        for ((place, removed, added), odd) in changes {
            let start = place.index(bytes.len() + 1);
            let end = (start + removed).min(bytes.len());
            let added = odd.map_or(added, |odd| odd.as_bytes().to_vec());
            bytes.splice(start..end, added);
        }
        bytes
    })
}

proptest! {
    #[test]
    fn every_problem_lies_within_its_document(document in mutated()) {
        fuzzed::document(&document);
        fuzzed::suite(&document);
    }

    #[test]
    fn any_bytes_have_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        fuzzed::archive(&bytes);
        fuzzed::document(&bytes);
        fuzzed::suite(&bytes);
        fuzzed::ring(&bytes);
        fuzzed::statement(&bytes);
        fuzzed::proposal(&bytes);
        fuzzed::workflow(&bytes);
        fuzzed::github(&bytes);
        fuzzed::feature_archive(&bytes);
        fuzzed::registry(&bytes);
        fuzzed::seal::head(&bytes);
    }

    #[test]
    fn any_head_that_reaches_the_sealing_proxy_is_refused_or_goes_where_it_may(
        first in "(CONNECT|GET|POST|OPTIONS|x) (|https?://|HTTP://)(api\\.example\\.com|API.EXAMPLE.COM.|other|127\\.0\\.0\\.1|\\[::1\\]|u@h|\\*)?(:443|:80|:22|:)?(/[a-z%?&=]{0,12}(key=SENTINEL)?)?",
        host in "(Host: (api\\.example\\.com(:443)?|API\\.example\\.com|other|u@api\\.example\\.com)\n){0,2}",
        rest in "((Authorization|X-Api-Key|Connection|Upgrade|TE|X-Aileron-A|Proxy-Authorization|Transfer-Encoding): (Bearer SENTINEL|token SENTINEL|SENTINEL|Basic eDpTRU5USU5FTA==|upgrade, x-a|websocket|[ -~]{0,10})\n){0,4}",
    ) {
        fuzzed::seal::head(format!("{first} HTTP/1.1\n{host}{rest}\n").as_bytes());
    }

    #[test]
    fn any_answer_of_a_server_is_read(
        status in 100_u16..600,
        name in prop::sample::select(vec!["retry-after", "x-ratelimit-reset", "x-ratelimit-remaining", "date", "location"]),
        value in "([0-9]{0,25}|-1|[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT|\\PC{0,30})",
        body in "(\\{\"message\":\"[a-z ]{0,20}\"\\}|\\{\"id\":1,\"created_at\":\"[0-9TZ:-]{0,20}\"\\}|\\PC{0,30})",
    ) {
        fuzzed::github(format!("{status}\n{name}: {value}\nx-ratelimit-remaining: 0\n\n{body}").as_bytes());
    }

    #[test]
    fn no_text_of_others_becomes_a_command(text in "([:#\\[ \n\r%]|::error |[a-z\u{2028}\u{85}]){0,40}") {
        fuzzed::workflow(text.as_bytes());
    }
}
