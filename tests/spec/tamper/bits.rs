//! Truncations and flipped bits.

use super::*;

/// A connector and an action that fill many blocks and do not compress away.
fn large() -> [(Files, Wanted, Keyring); 2] {
    let toy = Toy::default();
    let mut random = Random(7);
    let noise: String = (0..40_000).map(|_| format!("\\{:02x}", random.below(256))).collect();
    let wasm = module_of(&format!(
        r#"(module (memory (export "memory") 1) (data (i32.const 0) "{noise}") (func (export "_start")))"#
    ));
    let words: String = (0..20_000).map(|_| char::from(b'a' + random.below(26) as u8)).collect();
    let connector = toy.sign_connector(wasm, toy.manifest().into_bytes());
    let action = toy.sign_action(format!("{}\n{words}\n", toy.action_document("say")).into_bytes());
    let wanted = |reference| Wanted::of(reference);
    [(connector, wanted(toy.reference()), toy.ring()), (action, wanted(toy.action_reference("say")), toy.ring())]
}

#[test] // artifacts.md §7: a stream that is not complete to its trailer
fn no_truncation_is_read() {
    let mut matrix = Matrix::default();
    for (files, wanted, ring) in both() {
        let archive = pack(&files);
        for length in 0..archive.len() {
            matrix.refuse("a cut archive", &archive[..length], &wanted, &ring, Class::MalformedTarball);
        }
    }
    for (files, wanted, ring) in both().into_iter().chain(large()) {
        let (stream, archive) = (Tar::of(&files).bytes(), pack(&files));
        judge(&archive, &wanted, &ring).expect("sound");
        for length in (0..stream.len()).step_by(512).chain([1, 511, 513, stream.len() - 1]) {
            let cut = Gzip::default().level(1).pack(&stream[..length]);
            matrix.refuse("a cut stream", &cut, &wanted, &ring, Class::MalformedTarball);
        }
        for length in (0..archive.len()).step_by(512) {
            matrix.refuse("a cut archive", &archive[..length], &wanted, &ring, Class::MalformedTarball);
        }
    }
    matrix.report("truncations");
}

/// SplitMix64: the same cases on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

#[test] // artifacts.md §6, §7: every bit of an archive is signed, checked, or said to mean nothing
fn a_flipped_bit_is_refused_or_changes_nothing() {
    let mut random = Random(2026);
    let (mut refused, mut identical) = (0, 0);
    let mut flip = |archive: &[u8], bit: usize, sound: &Verified, wanted: &Wanted, ring: &Keyring| {
        let mut flipped = archive.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        match judge(&flipped, wanted, ring) {
            Err(error) => {
                refused += 1;
                assert_eq!(error.class(), Class::MalformedTarball, "bit {bit}: {error}");
            }
            Ok(same) => {
                identical += 1;
                assert_eq!((same.files(), same.content()), (sound.files(), sound.content()), "bit {bit}");
                assert_eq!((same.signer(), same.reference()), (sound.signer(), sound.reference()), "bit {bit}");
                // The text flag, time and system of the gzip header, or deflate data that says the same in other words (a
                // code nothing uses, another way back into zeros): never magic, method or trailer.
                let byte = bit / 8;
                assert!((3..archive.len() - 8).contains(&byte), "byte {byte} means nothing?");
            }
        }
    };
    for (files, wanted, ring) in both() {
        let archive = pack(&files);
        let sound = judge(&archive, &wanted, &ring).expect("sound");
        (0..archive.len() * 8).for_each(|bit| flip(&archive, bit, &sound, &wanted, &ring));
    }
    let every = archive_bits();
    for (files, wanted, ring) in large() {
        let archive = pack(&files);
        let sound = judge(&archive, &wanted, &ring).expect("sound");
        for _ in 0..750 {
            let bit = random.below(archive.len() as u64 * 8);
            flip(&archive, bit as usize, &sound, &wanted, &ring);
        }
    }
    say(format_args!(
        "bit flips: {refused} refused, {identical} identical (every one of {every} in two small archives, 1500 drawn in two large ones)"
    ));
    assert_eq!(refused + identical, every + 1500);
}

fn archive_bits() -> usize {
    both().iter().map(|(files, ..)| pack(files).len() * 8).sum()
}
