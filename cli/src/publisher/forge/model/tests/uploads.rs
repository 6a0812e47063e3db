//! Assets: their names, what is taken, what a broken upload leaves.

use serde_json::json;

use super::*;

#[test]
fn an_asset_gets_the_name_github_gives_it() {
    for (name, stored) in [
        ("aileron.tar.gz", "aileron.tar.gz"),
        ("cohort.json.sig", "cohort.json.sig"),
        ("my title.exe", "my.title.exe"),
        ("tobwen-1.1.0-1~buster_amd64.deb", "tobwen-1.1.0-1.buster_amd64.deb"),
        ("v1.3.0-(15-5)-x.apk", "v1.3.0-.15-5.-x.apk"),
        ("a+b", "a+b"),
        ("a #$%b", "a.b"),
        (".hidden.", "hidden"),
    ] {
        assert_eq!(assets::stored_name(name), stored);
    }
}

#[test]
fn an_upload_is_taken_or_refused_with_the_reason() {
    let mut client = Client::new();
    client.github.asset_limits = AssetLimits { bytes: 10, per_release: 3 };
    let id = client.draft("v1");
    for (name, bytes, status, why) in [
        ("a b", "x", 201, ""),
        ("a.b", "x", 422, "ReleaseAsset.name already_exists"),
        ("", "x", 422, "ReleaseAsset.name missing_field"),
        ("c", "", 422, "ReleaseAsset.size custom"),
        ("c", "0123456789", 422, "ReleaseAsset.size custom"),
        ("c", "012345678", 201, ""),
        ("d", "x", 201, ""),
        ("e", "x", 422, "ReleaseAsset.file_count custom"),
    ] {
        let answer = client.upload(id, name, bytes.as_bytes());
        assert_eq!((answer.status, reasons(&answer).join(",")), (status, why.to_owned()), "{name}");
    }
    assert_eq!(client.upload(1, "a", b"a").status, 404);
    assert!(client.upload(id, "a", b"a").header("x-ratelimit-limit").is_none());
}

#[test]
fn a_broken_upload_takes_the_name_until_it_is_deleted() {
    let mut client = Client::new();
    let id = client.draft("v1");
    let path = format!("/api/uploads/repos/acme/echo/releases/{id}/assets");
    let call = Call {
        method: "POST".into(),
        path,
        query: "name=a".into(),
        user_agent: Some("test".into()),
        ..Call::default()
    };
    let mut request = wire::understand(&call).unwrap();
    request.token = Some("ghp_x".into());
    let Operation::Upload(mut upload) = request.operation else { panic!("an upload") };
    upload.bytes = b"bytes"[..].into();
    request.operation = Operation::BrokenUpload(upload);
    assert_eq!(client.github.handle(client.now, &request).status, 502);
    let listed = client.get(&format!("/releases/{id}/assets"));
    let asset = &listed.document()[0];
    assert_eq!((&asset["state"], &asset["digest"], &asset["size"]), (&json!("starter"), &Value::Null, &json!(0)));
    let number = asset["id"].clone();
    assert_eq!(reasons(&client.upload(id, "a", b"bytes")), ["ReleaseAsset.name already_exists"]);
    assert_eq!(client.send("DELETE", &format!("/releases/assets/{number}"), &json!({})).status, 204);
    assert_eq!(client.upload(id, "a", b"bytes").status, 201);
}
