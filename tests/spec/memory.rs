//! What a hostile archive costs: memory stays bounded while it is refused. artifacts.md §7, "enforced while streaming".
//!
//! One test in a binary of its own, so that the figures are of nothing else.

use std::io::Write as _;
use std::time::Instant;

use aileron_cli::consumer::verify::VerificationError;
use aileron_cli::ui::report::Failure;
use aileron_testkit::fuzzed::MOST_OUTPUT;
use aileron_testkit::tar::{Entry, Gzip, Tar};
use aileron_testkit::{Toy, module, pack, say};
use aileron_verifier::artifact::archive::{Files, MAX_ARCHIVE, MAX_DOCUMENT, MAX_MODULE};
use aileron_verifier::artifact::verify::{Unverified, Wanted};
use aileron_verifier::problem::{Class, Source};
use aileron_verifier::unit::{check_label, check_unit};
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const MIB: usize = 1 << 20;

/// Most tokens of a document that is read: `TOKENS` of `verifier/src/toml/strict.rs`.
const TOKENS: usize = 150_000;

/// What refusing a bomb may take beyond the archive itself.
const BOUND: usize = 40 * MIB;

/// A gzip member around `head`, then `count` MiB of zeros, then `tail`. The zeros are packed once and repeated.
fn zeros(head: &[u8], count: usize, tail: &[u8]) -> Vec<u8> {
    let checksum = |bytes: &[u8]| {
        let mut crc = Crc::new();
        crc.update(bytes);
        crc
    };
    let open = |bytes: &[u8]| {
        let mut deflate = DeflateEncoder::new(Vec::new(), Compression::new(6));
        deflate.write_all(bytes).expect("a vector takes any bytes");
        deflate
    };
    // Flushed, a piece ends on a whole byte and refers to nothing before it.
    let flushed = |bytes: &[u8]| {
        let mut deflate = open(bytes);
        deflate.flush().expect("a vector takes any bytes");
        deflate.get_ref().clone()
    };
    let zeros = vec![0; MIB];
    let mut crc = checksum(head);
    let each = checksum(&zeros);
    (0..count).for_each(|_| crc.combine(&each));
    crc.combine(&checksum(tail));
    let length = (head.len() + count * MIB + tail.len()) as u32;
    let mut archive = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    archive.extend(flushed(head));
    archive.extend(flushed(&zeros).repeat(count));
    archive.extend(open(tail).finish().expect("a vector takes any bytes"));
    archive.extend(crc.sum().to_le_bytes());
    archive.extend(length.to_le_bytes());
    archive
}

/// Judges a bomb, which must be refused, and returns the bytes held at most beyond the archive itself.
fn cost(why: &str, archive: &[u8]) -> usize {
    let toy = Toy::default();
    let (ring, wanted) = (toy.ring(), Wanted::of(toy.reference()));
    MEMORY.reset_peak_usage();
    let (before, started) = (MEMORY.current_usage(), Instant::now());
    let error = Unverified::new(archive).verify(&wanted, &ring).expect_err(why);
    let (peak, took) = (MEMORY.peak_usage() - before, started.elapsed());
    let mib = |bytes: usize| bytes as f64 / MIB as f64;
    say(format_args!("{why}: {:.1} MiB packed, peak {:.2} MiB, {took:.0?}: {error}", mib(archive.len()), mib(peak)));
    assert_eq!(error.class(), Class::MalformedTarball, "{why}: {error}");
    peak
}

/// Judges a document that must be refused, inside a sound archive, and draws the answer; returns the bytes held at most
/// beyond the archive and the bound of artifacts.md §10 for it.
fn cost_of_answer(why: &str, files: &Files) -> (usize, usize) {
    let archive = pack(files);
    let toy = Toy::default();
    let ring = toy.ring();
    MEMORY.reset_peak_usage();
    let (before, started) = (MEMORY.current_usage(), Instant::now());
    let error = Unverified::new(archive.as_slice()).verify(&Wanted::default(), &ring).expect_err(why);
    let failure = Failure::from(VerificationError::Refused(error));
    let output = failure.text().len() + failure.json().to_string().len();
    let (peak, took) = (MEMORY.peak_usage() - before, started.elapsed());
    let mib = peak as f64 / MIB as f64;
    say(format_args!("{why}: {} bytes packed, peak {mib:.2} MiB, {took:.0?}, {output} bytes said", archive.len()));
    assert!(output <= 2 * MOST_OUTPUT, "{why}: {output}");
    assert!(!why.contains("within the limit") || !failure.text().contains("keys, values and marks"), "{why}");
    (peak, 64 * MIB + 4 * archive.len())
}

/// Documents at their cap whose reading takes the most room, as a manifest and as an action.
fn answers_are_bounded() {
    let full = |unit: &str| unit.repeat(MAX_DOCUMENT as usize / unit.len() - 8);
    // Whole lines, as many as fit.
    let lines = |bytes: usize, most: usize, make: &dyn Fn(usize) -> String| {
        let mut text = String::new();
        for line in (0..most).map(make) {
            if text.len() + line.len() > bytes {
                return text;
            }
            text.push_str(&line);
        }
        text
    };
    let cap = MAX_DOCUMENT as usize - 16;
    for (why, text) in [
        ("a list of numbers", format!("x=[{}]", full("1,"))),
        ("a list of numbers within the limit", format!("x=[{}]", "1,".repeat(TOKENS / 2 - 5))),
        ("a list of texts within the limit", format!("x=[{}]", "\"a\",".repeat(TOKENS / 2 - 5))),
        ("a list of empty lists within the limit", format!("x=[{}]", "[],".repeat(TOKENS / 3 - 5))),
        ("a list of empty tables within the limit", format!("x=[{}]", "{},".repeat(TOKENS / 3 - 5))),
        ("a list of tables within the limit", format!("x=[{}]", "{a=1},".repeat(TOKENS / 6 - 5))),
        ("a list of tables in tables within the limit", format!("x=[{}]", "{a.b.c=1},".repeat(TOKENS / 10 - 5))),
        ("lists of tables within the limit", "[[t]]\n".repeat(TOKENS / 6 - 5)),
        ("tables within the limit", lines(cap, TOKENS / 4 - 5, &|n| format!("[t{n}]\n"))),
        ("unknown keys", lines(cap, usize::MAX, &|n| format!("k{n}=1\n"))),
        ("unknown keys within the limit", lines(cap, TOKENS / 4 - 5, &|n| format!("k{n}=1\n"))),
        ("dotted keys", lines(cap, usize::MAX, &|n| format!("a.b{n}=1\n"))),
        ("dotted keys within the limit", lines(cap, TOKENS / 6 - 5, &|n| format!("a.b{n}=1\n"))),
        ("tables", lines(cap, usize::MAX, &|n| format!("[t{n}]\n"))),
        ("lists of tables", "[[t]]\n".repeat(95_000)),
        ("brackets", full("[")),
        ("quotes", full("\"")),
        ("line ends", full("\n")),
        ("comments", full("#\n")),
        ("wide characters", format!("x=\"{}\"", "\u{202e}".repeat(300_000))),
        ("escapes", format!("x=\"{}\"", "\\u0041".repeat(150_000))),
        ("one line that is no TOML", full("é")),
    ] {
        let action = format!("+++\n{text}\n+++\n");
        let signature = vec![0; 64];
        for files in [
            Files::Connector { wasm: module(), manifest: text.into_bytes(), signature: signature.clone() },
            Files::Action { document: action.into_bytes(), signature },
        ] {
            let (peak, bound) = cost_of_answer(&format!("{why}, {}", files.kind()), &files);
            assert!(peak <= bound, "{why}: {peak} bytes, {bound} allowed");
        }
    }
    let files = Files::Connector { wasm: crowded(), manifest: b"x".to_vec(), signature: vec![0; 64] };
    let (peak, bound) = cost_of_answer("a module of a million types and functions", &files);
    assert!(peak <= bound, "{peak} bytes, {bound} allowed");
}

/// Units, manifests and labels that would take the most room: read and checked, which is what every reader of them does.
fn units_are_bounded() {
    let aliases = |levels: usize| {
        let line = |level: usize| format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 9].join(", "));
        (1..levels).map(line).fold("a0: &a0 [x, x]\n".to_owned(), |text, line| text + &line)
    };
    let merges = (1..5000).fold("a0: &a0 {k: v}\n".to_owned(), |text, level| {
        text + &format!("a{level}: &a{level} {{<<: *a{}, k{level}: v}}\n", level - 1)
    });
    let long = "x".repeat(10 << 20);
    let label = |unit: &str| format!("[{{\"customizations\":{{\"aileron\":{{\"cli\":{unit}}}}}}}]");
    let many = |unit: &str, count: usize| format!("[{}]", vec![unit; count].join(","));
    let documents: [(&str, String); 14] = [
        ("aliases of aliases", aliases(9)),
        ("aliases of aliases, deeper", aliases(60)),
        ("merge keys of merge keys", merges),
        ("one alias, 100,000 times", format!("a: &a {}\nb: [{}]\n", "y".repeat(1000), "*a,".repeat(100_000))),
        ("lists in lists", "[".repeat(1 << 20)),
        ("objects in objects", "{\"a\":".repeat(1 << 18)),
        ("block lists in block lists", "- ".repeat(1 << 19)),
        ("mappings, each one deeper", (0..1400).map(|level| format!("{}k:\n", " ".repeat(level))).collect()),
        ("a scalar of 10 MB", format!("name: {long}\n")),
        ("a quoted scalar of 10 MB", format!("{{\"name\": \"{long}\"}}")),
        ("a block scalar of 10 MB", format!("name: |\n  {long}\n")),
        ("a key of 10 MB", format!("{{\"{long}\": 1}}")),
        ("anchors of 10 MB", format!("a: &{long} 1\n")),
        ("a million items", format!("[{}]", "1,".repeat(1 << 20))),
    ];
    let mut worst = 0;
    for (why, text) in &documents {
        let carried = label(text);
        for (kind, text) in [("unit", text), ("label", text), ("label around it", &carried)] {
            let bytes = text.len();
            MEMORY.reset_peak_usage();
            let (before, started) = (MEMORY.current_usage(), Instant::now());
            let source = Source::new("document", text.as_str());
            let checked = if kind == "unit" { check_unit(&source) } else { check_label(&source) };
            let (peak, took) = (MEMORY.peak_usage() - before, started.elapsed());
            assert!(checked.error.is_some(), "{why}: {kind}");
            let mib = peak as f64 / MIB as f64;
            say(format_args!("{why} as a {kind}: {bytes} bytes, peak {mib:.2} MiB, {took:.0?}"));
            worst = worst.max(peak);
        }
    }
    assert!(worst < 64 * MIB, "{worst} bytes");
    // And what a label of as many units as fit takes.
    let unit = r#"{"customizations":{"aileron":{"cli":{"name":"t","key":"user/t","acquisition":{"container_name":"c","login_cmd":["l"],"token_cmd":["r"]}}}}}"#;
    let text = many(unit, (4 << 20) / unit.len());
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let checked = check_label(&Source::new("label", text.as_str()));
    let peak = MEMORY.peak_usage() - before;
    say(format_args!("a label of {} units: {} bytes, peak {peak} bytes", checked.units.len(), text.len()));
    assert!(peak < 256 * MIB, "{peak} bytes");
}

/// A module with as many types and functions as are read, and as many imports.
fn crowded() -> Vec<u8> {
    let number = |mut value: usize| {
        let mut bytes = Vec::new();
        while value > 0x7f {
            bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        bytes.push(value as u8);
        bytes
    };
    let section = |id: u8, count: usize, item: &[u8]| {
        let content = [number(count), item.repeat(count)].concat();
        [vec![id], number(content.len()), content].concat()
    };
    // No parameters; an import of the first type under empty names; a function of the first type.
    let sections =
        [section(1, 1_000_000, &[0x60, 0, 0]), section(2, 10_000, &[0, 0, 0, 0]), section(3, 1_000_000, &[0])];
    [b"\0asm\x01\0\0\0".to_vec(), sections.concat()].concat()
}

#[test]
fn refusing_a_bomb_takes_little_memory_and_time() {
    let toy = Toy::default();
    let honest = Tar::of(&toy.connector());
    let header = |name: &str, size: u64| Entry::file(name, b"").declaring(size).bytes();
    let gib = 1 << 30;
    let end = [0; 1024];
    let stored = |bytes: usize| Gzip::default().level(0).pack(&vec![b'x'; bytes]);
    let headers = |count: usize| -> Vec<u8> { (0..count).flat_map(|_| Entry::directory("d/").bytes()).collect() };
    let bombs: Vec<(&str, Vec<u8>)> = vec![
        ("a module of 1 GiB of zeros, as it is", zeros(&header("connector.wasm", gib), 1024, &end)),
        ("the same, declared at the cap", zeros(&header("connector.wasm", MAX_MODULE), 1024, &end)),
        ("a module of 256 MiB of zeros, all honest", zeros(&header("connector.wasm", MAX_MODULE), 256, &end)),
        ("1 GiB of zeros as manifest.toml", zeros(&header("manifest.toml", gib), 1024, &end)),
        ("1 GiB of zeros as signature.sig", zeros(&header("signature.sig", gib), 1024, &end)),
        ("1 GiB of zeros under another name", zeros(&header("README.md", gib), 1024, &end)),
        ("1 GiB of zeros as a PAX header", zeros(&Entry::pax(&[]).declaring(gib).bytes(), 1024, &end)),
        ("1 GiB of zeros in a directory", zeros(&Entry::directory("d/").declaring(gib).bytes(), 1024, &end)),
        ("1 GiB of zeros after the end", zeros(&honest.bytes(), 1024, b"")),
        ("1 GiB of zeros and nothing else", zeros(b"", 1024, b"")),
        ("8 EiB declared", Gzip::default().pack(&header("connector.wasm", u64::MAX >> 1))),
        ("256 MiB declared, nothing there", Gzip::default().pack(&header("connector.wasm", MAX_MODULE))),
        ("one byte over the document's cap", zeros(&header("manifest.toml", MAX_DOCUMENT + 1), 2, &end)),
        ("300 MiB stored", stored(300 * MIB)),
        ("one byte over the archive's cap", vec![0; MAX_ARCHIVE as usize + 1]),
        ("60 MiB of noise that is no gzip", vec![b'x'; 60 * MIB]),
        ("a million headers", Gzip::default().level(1).pack(&headers(1 << 17))),
        ("seventeen documents of 1 MiB", {
            let document = Entry::file("manifest.toml", &vec![b'#'; MIB]);
            Tar::new(std::iter::repeat_n(document, 17)).pack()
        }),
    ];
    let worst = bombs.iter().map(|(why, archive)| cost(why, archive)).max().expect("there are bombs");
    say(format_args!("{} bombs refused, worst peak {worst} bytes beyond the archive", bombs.len()));
    assert!(worst < BOUND, "{worst} bytes");

    answers_are_bounded();
    units_are_bounded();

    // What every cap allows has to be held: the module once, at its own size, never twice.
    let mut random = 1_u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 24) as u8
    })
    .take(MIB)
    .collect();
    let documents = Tar::new([Entry::file("manifest.toml", &noise), Entry::file("signature.sig", &noise)]);
    let honest = zeros(&header("connector.wasm", MAX_MODULE), 256, &documents.bytes());
    let peak = cost("256 MiB of zeros for a module, within every cap", &honest);
    assert!(peak < MAX_MODULE as usize + BOUND, "{peak} bytes");
}
