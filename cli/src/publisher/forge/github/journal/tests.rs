use super::*;

fn at(second: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(second)
}

fn answer(kind: RequestKind, status: Option<u16>) -> JournalEvent {
    JournalEvent::Answer { kind, status, request: None, why: None }
}

fn record(write: WriteKind) -> WriteRecord {
    let asset = (write == WriteKind::Stage).then(|| "aileron.tar.gz".to_owned());
    WriteRecord { write, tag: "v1.0.0".to_owned(), asset }
}

fn intent(write: WriteKind) -> JournalEvent {
    JournalEvent::Intent(record(write))
}

#[test]
fn a_journal_remembers_what_the_next_run_asks() {
    let directory = tempfile::tempdir().unwrap();
    let mut journal = Journal::new(directory.path().to_owned());
    journal.record(at(1), answer(RequestKind::Read, Some(200))).unwrap();
    assert_eq!(journal.state(), JournalState::default(), "nothing is written before the lock is had");
    journal.open().unwrap();
    for (second, event) in [
        (2, intent(WriteKind::Draft)),
        (3, answer(RequestKind::Creation, Some(201))),
        (3, JournalEvent::Draft { tag: "v1.0.0".to_owned(), id: 7 }),
        (4, intent(WriteKind::Draft)),
        (5, answer(RequestKind::Creation, None)),
        (6, JournalEvent::Burned { tag: "actions/b/v1.0.0".to_owned() }),
        (7, intent(WriteKind::Stage)),
    ] {
        journal.record(at(second), event).unwrap();
    }
    let state = journal.state();
    assert_eq!(state.drafts, BTreeMap::from([("v1.0.0".to_owned(), 7)]));
    assert_eq!(state.burned.len(), 1);
    let unheard = BTreeMap::from([("v1.0.0".to_owned(), at(4))]);
    assert_eq!(state.unheard, unheard, "a draft may be there that this run did not see");
    let kinds: Vec<RequestKind> = state.requests.iter().map(|(_, kind)| *kind).collect();
    let lost = RequestKind::Creation;
    assert_eq!(kinds, [RequestKind::Read, RequestKind::Creation, RequestKind::Creation, lost, lost]);
}

#[test]
fn a_journal_keeps_the_kind_of_a_write_and_reads_the_lines_of_before() {
    for (kind, now, before, line) in [
        (WriteKind::Draft, r#""write":"draft","tag":"v1.0.0""#, "draft v1.0.0", "draft v1.0.0"),
        (
            WriteKind::Stage,
            r#""write":"stage","tag":"v1.0.0","asset":"aileron.tar.gz""#,
            "stage v1.0.0 aileron.tar.gz",
            "stage v1.0.0 aileron.tar.gz",
        ),
        (WriteKind::Flip, r#""write":"flip","tag":"v1.0.0""#, "publish v1.0.0", "publish v1.0.0"),
        (
            WriteKind::Finish,
            r#""write":"finish","tag":"v1.0.0""#,
            "write the notes of v1.0.0",
            "write the notes of v1.0.0",
        ),
    ] {
        let done = Line { at: 1, event: JournalEvent::Done(record(kind)) };
        let text = format!(r#"{{"at":1,"event":"done",{now}}}"#);
        assert_eq!(serde_json::to_string(&done).unwrap(), text);
        for text in [text, format!(r#"{{"at":1,"event":"done","write":"{before}"}}"#)] {
            assert_eq!(serde_json::from_str::<Line>(&text).unwrap(), done, "{text}");
        }
        let intent = format!(r#"{{"at":1,"event":"intent","write":"{before}","tag":"v1.0.0"}}"#);
        assert_eq!(
            serde_json::from_str::<Line>(&intent).unwrap().event,
            JournalEvent::Intent(record(kind)),
            "{intent}"
        );
        assert_eq!(record(kind).line(), line);
    }
    for write in ["", "dance", "dance v1.0.0", "write home"] {
        let text = format!(r#"{{"at":1,"event":"done","write":"{write}"}}"#);
        assert!(serde_json::from_str::<Line>(&text).is_err(), "{text}");
    }
}

#[test]
fn two_runs_of_a_version_do_not_meet() {
    let directory = tempfile::tempdir().unwrap();
    let journal = || Journal::new(directory.path().join("0.1.0"));
    let lock = journal().lock("here").unwrap();
    assert!(matches!(journal().lock("here"), Err(ForgeError::Busy(_))));
    drop(lock);
    journal().lock("here").unwrap();
}

#[test]
fn a_damaged_journal_is_read_as_far_as_it_goes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE);
    let good = r#"{"at":1000,"event":"draft","tag":"v1.0.0","id":7}"#;
    for (text, understood, skipped) in [
        (String::new(), 0, 0),
        (format!("{good}\n{good}\n"), 2, 0),
        (format!("{good}\n{}", &good[..20]), 1, 1),
        (format!("\u{0}\u{0}\n{good}\nnonsense\n{{\"at\":1,\"event\":\"new\"}}\n"), 1, 3),
    ] {
        fs::write(&path, &text).unwrap();
        let (lines, others) = lines(directory.path()).unwrap().unwrap();
        assert_eq!((lines.len(), others), (understood, skipped), "{text:?}");
        let mut journal = Journal::new(directory.path().to_owned());
        journal.open().unwrap();
        journal.record(at(2), JournalEvent::End { how: "complete".to_owned() }).unwrap();
        let after = super::lines(directory.path()).unwrap().unwrap();
        assert_eq!(after.0.len(), understood + 1, "{text:?}");
    }
    fs::write(&path, [0xff; 100]).unwrap();
    assert_eq!(Journal::new(directory.path().to_owned()).state(), JournalState::default());
}
