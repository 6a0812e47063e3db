//! A protobuf message as its numbered fields, for messages whose meaning a table has. Unknown fields are kept, bad ones refused.

/// What stands in a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A number, or a truth value.
    Number(u64),
    /// A text, JSON, or a message.
    Bytes(&'a [u8]),
}

/// The fields of a message in their order, or `None` for what is no message.
pub fn fields(mut message: &[u8]) -> Option<Vec<(u32, Value<'_>)>> {
    let mut found = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message)?;
        let number = u32::try_from(key >> 3).ok().filter(|number| *number > 0)?;
        let value = match key & 7 {
            0 => Value::Number(varint(&mut message)?),
            1 => Value::Bytes(take(&mut message, 8)?),
            2 => {
                let length = usize::try_from(varint(&mut message)?).ok()?;
                Value::Bytes(take(&mut message, length)?)
            }
            5 => Value::Bytes(take(&mut message, 4)?),
            _ => return None,
        };
        found.push((number, value));
    }
    Some(found)
}

fn take<'a>(message: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = message.split_at_checked(length)?;
    *message = rest;
    Some(taken)
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for at in 0..10 {
        let (byte, rest) = message.split_first()?;
        *message = rest;
        number |= u64::from(byte & 0x7f).checked_shl(7 * at)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::super::messages::{Invoke, InvokeResponse};
    use super::*;

    #[test]
    fn the_fields_of_a_message_are_read_as_they_were_written() {
        let invoke = Invoke { v: "1".into(), data_json: b"{}".to_vec(), timeout_ms: -1 }.encode_to_vec();
        let expected = [(1, Value::Bytes(b"1")), (2, Value::Bytes(b"{}")), (3, Value::Number(u64::MAX))];
        assert_eq!(fields(&invoke).unwrap(), expected);
        let answer = InvokeResponse { ok: true, ..InvokeResponse::default() }.encode_to_vec();
        assert_eq!(fields(&answer).unwrap(), [(2, Value::Number(1))]);
        assert_eq!(fields(&[]), Some(Vec::new()));
        for bad in [&b"\x0a"[..], b"\x0a\x05a", b"\x03", b"\x00\x00", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"] {
            assert_eq!(fields(bad), None, "{bad:?}");
        }
    }
}
