//! The limits: requests an hour, creations, points.

use serde_json::json;

use super::*;

#[test]
fn the_primary_limit_is_an_hour_of_requests() {
    for (token, limit) in [(Some("ghp_x"), 5000), (Some("ghs_x"), 1000), (None, 60)] {
        let mut client = Client::new();
        client.github.limits = Limits { primary: Limits::github().primary, ..Limits::none() };
        client.token = token;
        client.get("");
        let start = client.now;
        for _ in 1..limit {
            client.now = start.plus(10);
            assert_eq!(client.get("").status, 200, "{token:?}");
        }
        client.now = start.plus(20);
        let refused = client.get("");
        assert_eq!((refused.status, refused.header("x-ratelimit-remaining")), (403, Some("0")), "{token:?}");
        assert!(refused.header("retry-after").is_none());
        assert!(refused.document()["message"].as_str().unwrap().starts_with("API rate limit exceeded for "));
        let reset: u64 = refused.header("x-ratelimit-reset").unwrap().parse().unwrap();
        assert_eq!(reset, start.secs() + 3600);
        assert_eq!(client.call("GET", "/rate_limit", b"").document()["rate"]["remaining"], json!(0));
        client.now = Timestamp(reset * 1000 - 1000 - 1);
        assert_eq!(client.get("").status, 403, "{token:?} a moment before the reset");
        client.now = Timestamp(reset * 1000 - 1000);
        let fresh = client.get("");
        assert_eq!((fresh.status, fresh.header("x-ratelimit-used")), (200, Some("1")), "{token:?}");
    }
}

#[test]
fn creations_and_points_slide() {
    let github = Limits::github();
    let minute = Limits { creations_per_minute: github.creations_per_minute, ..Limits::none() };
    let hour = Limits { creations_per_hour: github.creations_per_hour, ..Limits::none() };
    for (limits, allowed, window) in [(minute, 80, 60_000), (hour, 500, 3_600_000)] {
        let mut client = Client::new();
        client.github.limits = limits;
        let start = client.now;
        for number in 0..allowed {
            client.now = start;
            client.draft(&format!("v0.{number}.0"));
        }
        let body = json!({"tag_name": "v1", "draft": true});
        client.now = start.plus(window - 2500);
        let refused = client.send("POST", "/releases", &body);
        assert_eq!(
            (refused.status, refused.header("retry-after")),
            (403, Some("3")),
            "1,5 s before the end, and 1 s per call"
        );
        assert!(
            refused.document()["message"].as_str().unwrap().starts_with("You have exceeded a secondary rate limit")
        );
        assert_eq!(client.get("/releases").status, 200, "reading goes on");
        client.now = start.plus(window);
        assert_eq!(client.send("POST", "/releases", &body).status, 201);
        assert_eq!(client.github.meter.usage.limited, 1);
    }
    let mut client = Client::new();
    let id = client.draft("v1");
    client.github.meter = Meter::default();
    client.github.limits = Limits { points_per_minute: github.points_per_minute, ..Limits::none() };
    let start = client.now;
    for _ in 0..180 {
        client.now = start;
        assert_eq!(client.send("PATCH", &format!("/releases/{id}"), &json!({})).status, 200);
    }
    client.now = start;
    assert_eq!(client.get("").header("retry-after"), Some("60"), "180 writes of 5 are 900 points");
    assert_eq!(client.github.meter.usage.hasty_writes, 179, "and far less than a second apart");
    client.now = start.plus(60_000);
    assert_eq!(client.get("").status, 200);
}
