//! A home that the other user can write or owns.

use super::*;

/// The home is his, or open to him.
const HOMES: [Row; 11] = [
    row("nothing is open", |_| (), "rm -rf $H; cp $E/keyring.json $H/keyring.json; mkfifo $H/x", NONE),
    row("a home for all, ring replaced", |s| mode(&s.home, 0o777), "mv $E/ring $H/keyring.json", ALL),
    row(
        "a home for all, ring replaced by one that only he can read",
        |s| mode(&s.home, 0o777),
        "mv $E/ring $H/keyring.json; chmod 600 $H/keyring.json",
        ALL,
    ),
    row("a home for all, nothing done", |s| mode(&s.home, 0o777), "true", ALL),
    row("his home", |s| chown(&s.home, Some(OTHER), None).unwrap(), "mv $E/ring $H/keyring.json", ALL),
    row(
        "a home for his group",
        |s| {
            chown(&s.home, None, Some(OTHER)).unwrap();
            mode(&s.home, 0o775);
        },
        "mv $E/ring $H/keyring.json",
        ALL,
    ),
    row(
        "a sticky home",
        |s| mode(&s.home, 0o1777),
        "mv -f $E/ring $H/keyring.json; rm -rf $H/store $H/cache; mkfifo $H/.keyring.json.lock.x; cp -r $E/home $H/other",
        NONE,
    ),
    row(
        "a sticky home without a ring",
        |s| {
            fs::remove_file(s.home.join("keyring.json")).unwrap();
            mode(&s.home, 0o1777);
        },
        "mv $E/ring $H/keyring.json",
        ALL,
    ),
    row("a directory above the home for all", |s| mode(s.root.path(), 0o777), "mv $H $H.x; cp -r $E/home $H", ALL),
    row(
        "a home that is our link into his directory",
        |s| {
            fs::rename(&s.home, s.path("real")).unwrap();
            fs::create_dir(s.path("his")).unwrap();
            chown(s.path("his"), Some(OTHER), None).unwrap();
            fs::rename(s.path("real"), s.path("his/real")).unwrap();
            symlink("his/real", &s.home).unwrap();
        },
        "mv his/real his/x; cp -r $E/home his/real",
        ALL,
    ),
    row(
        "a home that is our link to our directory",
        |s| {
            fs::rename(&s.home, s.path("real")).unwrap();
            symlink("real", &s.home).unwrap();
        },
        "ln -sf $E/home $H",
        NONE,
    ),
];

/// The ring is his, open to him, or a link.
const RINGS: [Row; 5] = [
    row("a ring for all", |s| mode(&s.home.join("keyring.json"), 0o666), "cat $E/ring > $H/keyring.json", ALL),
    row(
        "his ring",
        |s| chown(s.home.join("keyring.json"), Some(OTHER), None).unwrap(),
        "cat $E/ring > $H/keyring.json; chmod 600 $H/keyring.json",
        ALL,
    ),
    row(
        "our link to his ring",
        |s| {
            fs::remove_file(s.home.join("keyring.json")).unwrap();
            symlink(s.path("evil/ring"), s.home.join("keyring.json")).unwrap();
        },
        "true",
        ALL,
    ),
    row("his link to his ring", |s| mode(&s.home, 0o777), "ln -sf $E/ring $H/keyring.json", ALL),
    row("his link to our ring", |s| mode(&s.home, 0o777), "cd $H; mv keyring.json r; ln -s r keyring.json", ALL),
];

#[test]
fn a_home_that_another_user_can_write_or_owns_gives_no_verdict_he_wants() {
    if !is_root() {
        return;
    }
    run(&HOMES);
    run(&RINGS);
}
