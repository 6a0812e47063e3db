//! A multipart form with a file in its field `bundle`. RFC 7578, as far as an upload needs it.

/// The file of a form.
pub(super) struct Form<'a> {
    pub(super) file_name: String,
    pub(super) file: &'a [u8],
}

impl<'a> Form<'a> {
    /// Reads the part of the name `bundle`, from a body that is whole.
    pub(super) fn read(content_type: &str, body: &'a [u8]) -> Option<Form<'a>> {
        let boundary = content_type.strip_prefix("multipart/form-data; boundary=")?;
        let line = format!("--{boundary}");
        let mut rest = body.strip_prefix(line.as_bytes())?;
        let end = format!("\r\n{line}");
        while let Some(part) = rest.strip_prefix(b"\r\n") {
            let at = find(part, b"\r\n\r\n")?;
            let (head, content) = (std::str::from_utf8(&part[..at]).ok()?, &part[at + 4..]);
            let length = find(content, end.as_bytes())?;
            let disposition = head.lines().find_map(|line| line.strip_prefix("Content-Disposition: form-data; "));
            let value = |name: &str| {
                let start = disposition?.split("; ").find_map(|pair| pair.strip_prefix(name)?.strip_prefix("=\""))?;
                start.strip_suffix('"').map(str::to_owned)
            };
            if let (Some("bundle"), Some(file_name)) = (value("name").as_deref(), value("filename")) {
                return Some(Form { file_name, file: &content[..length] });
            }
            rest = &content[length + end.len()..];
        }
        None
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}
