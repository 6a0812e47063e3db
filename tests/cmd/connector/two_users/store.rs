//! What the other user puts into the store and the caches.

use super::*;

/// A file of an entry is his, his link, or a FIFO.
const ENTRIES: [Row; 9] = [
    row(
        "his manifest",
        |s| chown(s.entry().join("manifest.toml"), Some(OTHER), None).unwrap(),
        "printf '\\n[capabilities.x]\\nhosts = [\"evil.example:443\"]\\n' >> $H/store/connectors/sha256/$HEX/manifest.toml",
        STORE,
    ),
    row(
        "his module, the right bytes",
        |s| chown(s.entry().join("connector.wasm"), Some(OTHER), None).unwrap(),
        "true",
        STORE,
    ),
    row(
        "an entry for all, manifest replaced",
        |s| mode(&s.entry(), 0o777),
        "cd $H/store/connectors/sha256/$HEX; cp manifest.toml x; mv -f x manifest.toml",
        STORE,
    ),
    row(
        "an entry for all, manifest his link to our bytes",
        |s| mode(&s.entry(), 0o777),
        "cd $H/store/connectors/sha256/$HEX; mv manifest.toml $E/m; ln -s $E/m manifest.toml",
        STORE,
    ),
    row(
        "our link in an entry",
        |s| {
            let manifest = s.entry().join("manifest.toml");
            fs::rename(&manifest, s.path("m")).unwrap();
            symlink(s.path("m"), manifest).unwrap();
        },
        "true",
        STORE,
    ),
    row(
        "the entry a link of his",
        |s| mode(&s.home.join("store/connectors/sha256"), 0o777),
        "cd $H/store/connectors/sha256; mv $HEX $E/$HEX; ln -s $E/$HEX $HEX",
        STORE,
    ),
    row(
        "a FIFO for the manifest",
        |s| mode(&s.entry(), 0o777),
        "cd $H/store/connectors/sha256/$HEX; rm -f manifest.toml; mkfifo manifest.toml",
        STORE,
    ),
    row(
        "a FIFO for the module",
        |s| mode(&s.entry(), 0o777),
        "cd $H/store/connectors/sha256/$HEX; rm -f connector.wasm; mkfifo connector.wasm",
        STORE,
    ),
    row(
        "a FIFO for the signature",
        |s| mode(&s.entry(), 0o777),
        "cd $H/store/connectors/sha256/$HEX; rm -f signature.sig; mkfifo signature.sig",
        STORE,
    ),
];

/// The store, its index, or its unfinished entries.
const STORES: [Row; 7] = [
    row(
        "entries exchanged",
        |s| mode(&s.home.join("store/connectors"), 0o777),
        "cd $H/store/connectors; mv sha256 x; cp -r $E/home/store/connectors/sha256 sha256; mv sha256/* sha256/$HEX",
        STORE,
    ),
    row("the store exchanged", |s| mode(&s.home, 0o1777), "mv $H/store $H/x; cp -r $E/home/store $H/store", NONE),
    row(
        "the store is his",
        |s| chown(s.home.join("store"), Some(OTHER), None).unwrap(),
        "rm -rf $H/store/index; cp -r $E/home/store/index $H/store/index",
        STORE,
    ),
    row(
        "an empty index of his",
        |s| mode(&s.home.join("store/index"), 0o777),
        "rm $H/store/index/connectors.json; echo '{}' > $H/store/index/connectors.json",
        NONE,
    ),
    row(
        "an index of his that leads elsewhere",
        |s| mode(&s.home.join("store/index"), 0o777),
        "rm $H/store/index/*; sed \"s/sha256:.*\\\"/sha256:$(printf %064d 0)\\\"/\" $E/home/store/index/connectors.json > $H/store/index/connectors.json",
        NONE,
    ),
    row(
        "an index that is a FIFO",
        |s| mode(&s.home.join("store/index"), 0o777),
        "cd $H/store/index; rm *; mkfifo connectors.json",
        NONE,
    ),
    row(
        "unfinished entries of his",
        |s| {
            fs::create_dir_all(s.home.join("store/connectors/tmp")).unwrap();
            mode(&s.home.join("store/connectors/tmp"), 0o777);
        },
        "cd $H/store/connectors/tmp; mkfifo install-000000000000000000000000; mkdir remove-111111111111111111111111",
        NONE,
    ),
];

/// The ring is no file that has an end.
const RINGS: [Row; 4] = [
    row("a FIFO for the ring", |s| mode(&s.home, 0o777), "rm -f $H/keyring.json; mkfifo $H/keyring.json", ALL),
    row("a directory for the ring", |s| mode(&s.home, 0o777), "rm -f $H/keyring.json; mkdir $H/keyring.json", ALL),
    row("a ring without end", |s| mode(&s.home, 0o777), "rm -f $H/keyring.json; truncate -s 8G $H/keyring.json", ALL),
    row("a device for the ring", |s| mode(&s.home, 0o777), "ln -sf /dev/zero $H/keyring.json", ALL),
];

/// An installed action.
const ACTIONS_OF_HIS: [Row; 4] = [
    row("his action", |s| chown(s.home.join("actions/say.md"), Some(OTHER), None).unwrap(), "true", ACTIONS),
    row(
        "a FIFO for an action",
        |s| mode(&s.home.join("actions"), 0o777),
        "cd $H/actions; rm -f say.md; mkfifo say.md",
        ACTIONS,
    ),
    row(
        "a FIFO for an action's signature",
        |s| mode(&s.home.join("actions"), 0o777),
        "cd $H/actions; rm -f say.sig; mkfifo say.sig",
        ACTIONS,
    ),
    row(
        "a batch of his",
        |s| mode(&s.home.join("actions"), 0o777),
        "cd $H/actions; mkdir -p .batches/commit-000000000000000000000000; echo x > .batches/commit-000000000000000000000000/say.md",
        ACTIONS,
    ),
];

#[test]
fn what_another_user_puts_into_the_store_is_never_run() {
    if !is_root() {
        return;
    }
    run(&ENTRIES);
    run(&STORES);
    run(&RINGS);
    run(&ACTIONS_OF_HIS);
}

#[test]
fn what_another_user_remembers_or_compiles_for_us_is_not_used() {
    if !is_root() {
        return;
    }
    let compiled = "cd $E/home/cache/compiled; for f in *; do cp $f $H/cache/compiled/$HEX-${f#*-}; done";
    run(&[
        row("compiled code for all", |s| mode(&s.home.join("cache/compiled"), 0o777), compiled, NONE),
        row(
            "compiled code exchanged",
            |s| mode(&s.home.join("cache"), 0o777),
            "cd $H/cache; mv compiled x; mkdir -m 700 compiled; cd $E/home/cache/compiled; for f in *; do cp $f $H/cache/compiled/$HEX-${f#*-}; done",
            NONE,
        ),
        row(
            "his cache",
            |s| chown(s.home.join("cache"), Some(OTHER), None).unwrap(),
            "cd $H/cache; mv checked x; mkdir checked",
            NONE,
        ),
        row(
            "a FIFO for a memory",
            |s| mode(&s.home.join("cache/checked"), 0o777),
            "cd $H/cache/checked; rm -f *; mkfifo $HEX.json actions.json",
            NONE,
        ),
        row(
            "a FIFO for compiled code",
            |s| mode(&s.home.join("cache/compiled"), 0o777),
            "cd $H/cache/compiled; for f in *; do rm -f $f; mkfifo $f; done",
            NONE,
        ),
    ]);
    // After the key was revoked, a memory that names today's ring must not stand in for it.
    let places: [(&str, Open); 4] = [
        ("memories for all", |s| mode(&s.home.join("cache/checked"), 0o777)),
        ("his memories", |s| chown(s.home.join("cache/checked"), Some(OTHER), None).unwrap()),
        ("a cache for all", |s| mode(&s.home.join("cache"), 0o777)),
        ("a home for all", |s| mode(&s.home, 0o777)),
    ];
    for (what, open) in places {
        let scene = Scene::new();
        let memory = scene.home.join(format!("cache/checked/{}.json", scene.hex()));
        let text = fs::read_to_string(&memory).unwrap();
        assert_eq!(scene.run("keyring revoke github://acme").0, 0);
        let text = text.replace(&scene.toy.ring().digest(), &Keyring::new().digest());
        fs::write(scene.path("evil/memory"), text).unwrap();
        mode(&scene.path("evil/memory"), 0o644);
        open(&scene);
        scene.plant(
            "cd $H/cache; mv checked x; mkdir checked; rm -f checked/$HEX.json; cat $E/memory > checked/$HEX.json",
        );
        for line in ["connector run github://acme/echo@1.2.3 echo", "action run say --arg text=x", "verify --installed"]
        {
            let (code, said) = scene.run(line);
            assert!(code != 0 && !said.contains("\"output\""), "{what}: {line}: {said}");
        }
    }
}
