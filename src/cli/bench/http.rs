//! A client that costs next to nothing: the load generator shares the cores with what it measures.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Failure;

/// One keep-alive connection.
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What came back.
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Body.
    pub body: Vec<u8>,
}

impl Reply {
    /// The body of a success as JSON.
    ///
    /// # Errors
    /// Any other status, with the problem that came.
    pub fn json(&self, what: &str) -> Result<Value, Failure> {
        if self.status >= 300 {
            return Err(Failure::new(format!("{what}: {} {}", self.status, String::from_utf8_lossy(&self.body))));
        }
        Ok(serde_json::from_slice(&self.body)?)
    }
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// As the system.
    pub async fn connect(address: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(64 * 1024) })
    }

    /// Sends one request as bytes and reads its answer.
    ///
    /// # Errors
    /// A connection that breaks, an answer without a length.
    pub async fn send(&mut self, request: &[u8]) -> Result<Reply, Failure> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let head = loop {
            if let Some(at) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            self.more().await?;
        };
        let text = String::from_utf8_lossy(self.buffer.get(..head).unwrap_or_default()).into_owned();
        let status = text.get(9..12).and_then(|digits| digits.parse().ok()).ok_or_else(|| Failure::new("an answer that is not HTTP"))?;
        let length = text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        let end = head + length.unwrap_or_default();
        while self.buffer.len() < end {
            self.more().await?;
        }
        Ok(Reply { status, body: self.buffer.get(head..end).unwrap_or_default().to_vec() })
    }

    async fn more(&mut self) -> Result<(), Failure> {
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            return Err(Failure::new("the server closed the connection"));
        }
        Ok(())
    }
}

/// The bytes of a request that reads.
#[must_use]
pub fn get(token: &str, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n").into_bytes()
}

/// The bytes of a request that acts.
#[must_use]
pub fn post(token: Option<&str>, path: &str, key: &str, seen: Option<i64>, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let mut head = format!("POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    if let Some(token) = token {
        head.push_str(&format!("Authorization: Bearer {token}\r\n"));
    }
    if !key.is_empty() {
        head.push_str(&format!("Idempotency-Key: {key}\r\n"));
    }
    if let Some(version) = seen {
        head.push_str(&format!("If-Match: \"{version}\"\r\n"));
    }
    format!("{head}\r\n{body}").into_bytes()
}
