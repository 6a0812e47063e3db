//! One origin for two servers: one answers the API, the other takes uploads and gives downloads.
//!
//! A client sends its token to the API's own origin only, and the validating proxy cannot carry a file's bytes.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};

/// A server in front of two others. It ends with the process.
pub(crate) struct Front {
    /// `http://127.0.0.1:PORT`.
    pub(crate) url: String,
}

impl Front {
    /// Addresses are `http://HOST:PORT`.
    pub(crate) fn before(api: &str, files: &str) -> Front {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let [api, files] = [api, files].map(|url| url.trim_start_matches("http://").to_owned());
        let url = format!("http://{address}");
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (api, files, address) = (api.clone(), files.clone(), address.clone());
                // A client that leaves early is its own affair.
                std::thread::spawn(move || drop(exchange(client, &api, &files, &address)));
            }
        });
        Front { url }
    }
}

/// One request and its answer; then the connection ends, so that the next request is looked at as well.
fn exchange(mut client: TcpStream, api: &str, files: &str, address: &str) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default();
    // An asset's bytes come from the API too, where the request says so.
    let is_file =
        path.contains("/releases/assets/") && head.to_ascii_lowercase().contains("accept: application/octet-stream");
    let is_api = !is_file && ["/repos/", "/rate_limit"].iter().any(|start| path.starts_with(start));
    let mut server = TcpStream::connect(if is_api { api } else { files })?;
    let lines = head.trim_end().split("\r\n").filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
    let lines: Vec<&str> = lines.collect();
    write!(server, "{}\r\nconnection: close\r\nx-forwarded-host: {address}\r\n\r\n", lines.join("\r\n"))?;
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    std::thread::spawn(move || io::copy(&mut from, &mut to));
    io::copy(&mut server, &mut client)?;
    client.shutdown(Shutdown::Both)
}
