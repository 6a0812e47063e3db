//! A table of answers and what they say of the token.

use serde_json::json;

use super::*;

fn permissions(text: &str) -> Offer {
    Offer { accepted_permissions: Some(text.into()), ..Offer::default() }
}

fn scopes(accepted: &str, has: &str) -> Offer {
    Offer { accepted_scopes: Some(accepted.into()), scopes: Some(has.into()), ..Offer::default() }
}

fn sso(text: &str) -> Offer {
    Offer { sso: Some(text.into()), ..Offer::default() }
}

const UNNAMED: Option<&str> = Some("a right to do this, and GitHub does not say which");
const INTEGRATION: &str = "Resource not accessible by integration";
const PERSONAL: &str = "Resource not accessible by personal access token";

#[test]
fn a_refusal_names_what_the_token_lacks() {
    for (offer, message, lacks) in [
        (permissions("contents=write"), INTEGRATION, Some("the permission contents=write")),
        (permissions("contents=write"), PERSONAL, Some("the permission contents=write")),
        (permissions(" contents = write "), PERSONAL, Some("the permission contents = write")),
        (
            permissions("contents=write,workflows=write"),
            INTEGRATION,
            Some("the permission contents=write and workflows=write"),
        ),
        (
            permissions("contents=write; administration=write"),
            INTEGRATION,
            Some("the permission contents=write, or administration=write"),
        ),
        (permissions(";;,"), INTEGRATION, UNNAMED),
        (Offer::default(), INTEGRATION, UNNAMED),
        (permissions(""), PERSONAL, UNNAMED),
        (scopes("repo", "gist, read:org"), "Must have admin rights to Repository.", Some("the scope repo")),
        (scopes("repo, public_repo", "gist"), "", Some("the scope repo or public_repo")),
        (scopes("repo", ""), "", Some("the scope repo")),
        (scopes("repo", "repo, gist"), "Must have push access to repository", UNNAMED),
        (scopes("", "gist"), "Must have push access to repository", UNNAMED),
        (
            sso("required; url=https://github.com/orgs/acme/sso?authorization_request=A"),
            "Resource protected by organization SAML enforcement.",
            Some("the single sign-on of the organization, at https://github.com/orgs/acme/sso"),
        ),
        (sso("required"), "", Some("the single sign-on of the organization")),
        (sso("partial-results; organizations=1"), "", None),
        (
            Offer::default(),
            "Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization.",
            UNNAMED,
        ),
        (permissions("contents=write"), "Repository was archived so is read-only.", None),
        (Offer::default(), "Although you appear to have the correct authorization credentials", None),
        (Offer::default(), "Write access to repository not granted.", UNNAMED),
        (Offer::default(), "You have insufficient permission.", UNNAMED),
        (Offer::default(), "", None),
    ] {
        let document = json!({"message": message});
        let lack = certainly_lacking(403, &offer, &document).or_else(|| lacking(403, &offer, &document));
        assert_eq!(lack.map(|lack| lack.to_string()).as_deref(), lacks, "{offer:?} {message}");
    }
    // A proxy's page is no document; and only a 403 is about rights.
    assert_eq!(lacking(403, &permissions("contents=write"), &Value::Null), None);
    for status in [200, 401, 404, 429, 500] {
        let (offer, document) = (permissions("contents=write"), json!({"message": INTEGRATION}));
        assert_eq!(lacking(status, &offer, &document), None, "{status}");
        assert_eq!(certainly_lacking(status, &offer, &document), None, "{status}");
    }
}

#[test]
fn workflow_files_are_a_cause_only_where_they_differ() {
    for (header, may_be, without) in [
        ("contents=write", false, "the permission contents=write"),
        ("contents=write; contents=write,workflows=write", true, "the permission contents=write"),
        ("contents=write,workflows=write; contents=write", true, "the permission contents=write"),
        ("workflows=write", true, "the permission workflows=write"),
        ("contents=write; administration=write", false, "the permission contents=write, or administration=write"),
        ("", false, "a right to do this, and GitHub does not say which"),
    ] {
        let lack = certainly_lacking(403, &permissions(header), &json!({"message": INTEGRATION})).unwrap();
        assert_eq!(lack.may_be_workflows(), may_be, "{header}");
        assert_eq!(lack.without_workflows().to_string(), without, "{header}");
    }
    assert!(!Lack::SingleSignOn(None).may_be_workflows() && !Lack::Scopes(vec!["workflow".into()]).may_be_workflows());
}

#[test]
fn a_header_cannot_draw_on_the_screen_or_fill_it() {
    let many = (0..1000).map(|number| format!("right-{number}=write")).collect::<Vec<_>>().join("; ");
    for header in [many.as_str(), "contents=\u{1b}[2Jwrite", "a=\u{202e}b", &"x".repeat(100_000)] {
        let lack = certainly_lacking(403, &permissions(header), &json!({"message": INTEGRATION})).unwrap().to_string();
        assert!(lack.chars().count() < 100_000 / 2 && !lack.contains(['\u{1b}', '\u{202e}']), "{}", lack.len());
    }
    let place = sso("required; url=https://user:secret@github.com/orgs/acme/sso?authorization_request=A");
    let lack = certainly_lacking(403, &place, &Value::Null).unwrap().to_string();
    assert!(!lack.contains("secret") && !lack.contains("authorization_request"), "{lack}");
}
