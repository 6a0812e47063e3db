//! A certificate for this machine, made by hand: no tool, no clock, no key in the repository.

use ed25519_dalek::{Signer, SigningKey};

/// A self-signed certificate and its key, both DER.
pub(crate) struct Identity {
    pub(crate) certificate: Vec<u8>,
    pub(crate) key: Vec<u8>,
}

/// Valid from 2020 to 2120 for these names and 127.0.0.1.
pub(crate) fn identity(names: &[&str]) -> Identity {
    let signer = SigningKey::from_bytes(&[7; 32]);
    let algorithm = tlv(0x30, &[tlv(0x06, &[&[0x2b, 0x65, 0x70]])]);
    let name = tlv(0x30, &[tlv(0x31, &[tlv(0x30, &[tlv(0x06, &[&[0x55, 0x04, 0x03]]), tlv(0x0c, &[b"loopback"])])])]);
    let validity = tlv(0x30, &[tlv(0x17, &[b"200101000000Z"]), tlv(0x18, &[b"21200101000000Z"])]);
    let public = tlv(0x03, &[&[0][..], signer.verifying_key().as_bytes()]);
    let mut subjects: Vec<Vec<u8>> = names.iter().map(|name| tlv(0x82, &[name.as_bytes()])).collect();
    subjects.push(tlv(0x87, &[&[127, 0, 0, 1]]));
    let alternatives = tlv(0x04, &[tlv(0x30, &subjects)]);
    let extension = tlv(0x30, &[tlv(0x06, &[&[0x55, 0x1d, 0x11]]), alternatives]);
    let signed = tlv(
        0x30,
        &[
            tlv(0xa0, &[tlv(0x02, &[&[2]])]),
            tlv(0x02, &[&[1]]),
            algorithm.clone(),
            name.clone(),
            validity,
            name,
            tlv(0x30, &[algorithm.clone(), public]),
            tlv(0xa3, &[tlv(0x30, &[extension])]),
        ],
    );
    let signature = signer.sign(&signed).to_bytes();
    let certificate = tlv(0x30, &[signed, algorithm.clone(), tlv(0x03, &[&[0][..], &signature])]);
    let key = tlv(0x04, &[signer.as_bytes()]);
    let key = tlv(0x30, &[tlv(0x02, &[&[0]]), algorithm, tlv(0x04, &[key])]);
    Identity { certificate, key }
}

fn tlv(tag: u8, parts: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let content = parts.iter().flat_map(|part| part.as_ref().iter().copied()).collect::<Vec<u8>>();
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let head = match content.len() {
        0..0x80 => vec![tag, length[1]],
        0x80..0x100 => vec![tag, 0x81, length[1]],
        _ => vec![tag, 0x82, length[0], length[1]],
    };
    [head, content].concat()
}
