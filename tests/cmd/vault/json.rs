//! `--json`: one document for every verb of the vault.

use super::{file, with_vault, without_terminal};

#[test] // artifacts.md §8
fn every_verb_writes_one_document() {
    let home = with_vault();
    let with = "--passphrase-file passphrase.txt";
    home.write("token.txt", "hunter2-token");
    for (line, command, code, class) in [
        (format!("vault init {with}"), "vault init", 1, "validation_error"),
        (format!("vault put user/tea --from-file token.txt {with}"), "vault put", 0, ""),
        (
            "vault put user/tea --from-file token.txt --passphrase-file token.txt".to_owned(),
            "vault put",
            1,
            "wrong_passphrase",
        ),
        (format!("vault put tea --from-file token.txt {with}"), "vault put", 1, "validation_error"),
        (format!("secret set tea {with}"), "secret set", 1, "validation_error"),
        (format!("secret set te/a {with}"), "secret set", 2, "usage_error"),
        ("vault list".to_owned(), "vault list", 0, ""),
        ("secret list".to_owned(), "secret list", 0, ""),
        ("binding list".to_owned(), "binding list", 0, ""),
        ("binding inspect oauth2/tea/home".to_owned(), "binding inspect", 4, "fetch_failed"),
        ("status vault".to_owned(), "status vault", 0, ""),
        ("vault rekey".to_owned(), "vault rekey", 1, "vault_locked"),
        (format!("vault rekey {with} --new-passphrase-file token.txt"), "vault rekey", 0, ""),
        ("vault delete user/coffee --yes".to_owned(), "vault delete", 4, "fetch_failed"),
        ("vault delete user/tea --yes".to_owned(), "vault delete", 0, ""),
        ("vault reset".to_owned(), "vault reset", 0, ""),
        ("vault".to_owned(), "vault", 2, "usage_error"),
    ] {
        // No passphrase can be typed: there is no controlling terminal.
        let ran = home.finish(without_terminal(&home, &format!("{line} --json")), &line);
        let document = ran.json();
        assert_eq!((ran.code, document["command"].as_str()), (code, Some(command)), "{line}: {document}");
        assert_eq!(document["error"]["class"].as_str().unwrap_or_default(), class, "{line}: {document}");
    }
    std::fs::remove_file(file(&home)).unwrap();
    assert_eq!(home.run("aileron vault rekey --json").json()["error"]["class"], "no_local_vault_file");
    let listed = home.ok("aileron vault list --json").json();
    assert_eq!(listed["entries"], serde_json::json!([]));
}
