use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::sleep,
};
use tokio_rustls::TlsAcceptor;

use super::{Heard, Reply, Shared};

/// Serves a connection until one of both sides has had enough.
pub(super) async fn serve(stream: TcpStream, acceptor: Option<TlsAcceptor>, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let ended = match acceptor {
        None => talk(stream, &shared).await,
        Some(acceptor) => match acceptor.accept(stream).await {
            Ok(stream) => talk(stream, &shared).await,
            Err(error) => Err(error),
        },
    };
    // That is how connections end here.
    drop(ended);
}

async fn talk(mut stream: impl AsyncRead + AsyncWrite + Unpin, shared: &Shared) -> io::Result<()> {
    let mut read = Vec::new();
    loop {
        let Some((head, body)) = request(&mut stream, &mut read).await? else {
            return Ok(());
        };
        let path = head.split(' ').nth(1).unwrap_or_default();
        let client = path.trim_start_matches('/').to_owned();
        shared.begin(&client);
        let reply = shared.reply_of(&client);
        let accepted = matches!(reply, Reply::Status(200 | 204) | Reply::Slow(_));
        shared.heard.lock().unwrap().push(Heard {
            client: client.clone(),
            head,
            body,
            at: Instant::now(),
            accepted,
        });
        let answered = answer(&mut stream, reply).await;
        shared.end(&client);
        answered?;
    }
}

/// Reads a request with a length; none at the end of the connection.
async fn request(
    stream: &mut (impl AsyncRead + Unpin),
    read: &mut Vec<u8>,
) -> io::Result<Option<(String, String)>> {
    loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&read[..end]).into_owned();
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                let is_length = name.eq_ignore_ascii_case("content-length");
                is_length.then(|| value.trim().parse::<usize>().unwrap())
            });
            let all = end + 4 + length.unwrap_or(0);
            if read.len() >= all {
                let body = String::from_utf8_lossy(&read[end + 4..all]).into_owned();
                read.drain(..all);
                return Ok(Some((head, body)));
            }
        }
        if stream.read_buf(read).await? == 0 {
            return Ok(None);
        }
    }
}

async fn answer(stream: &mut (impl AsyncWrite + Unpin), reply: Reply) -> io::Result<()> {
    let nothing = |status: u16, more: &str| {
        format!("HTTP/1.1 {status} Status\r\ncontent-length: 0\r\n{more}\r\n")
    };
    match reply {
        Reply::Status(204) => stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await,
        Reply::Status(status) => stream.write_all(nothing(status, "").as_bytes()).await,
        Reply::Redirect(there) => {
            let location = format!("location: {there}\r\n");
            stream.write_all(nothing(307, &location).as_bytes()).await
        }
        Reply::Slow(time) => {
            sleep(time).await;
            stream.write_all(nothing(200, "").as_bytes()).await
        }
        Reply::Hang => std::future::pending().await,
        Reply::Huge(status) => {
            let head = format!("HTTP/1.1 {status} Status\r\nconnection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).await?;
            let part = vec![b'x'; 64 * 1024];
            loop {
                stream.write_all(&part).await?;
            }
        }
        Reply::HugeHead => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nx: ").await?;
            let part = vec![b'x'; 64 * 1024];
            loop {
                stream.write_all(&part).await?;
            }
        }
        Reply::Drip => {
            let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n";
            stream.write_all(head).await?;
            drip(stream, &[b'x'; 10_000]).await
        }
        Reply::DripHead => drip(stream, nothing(200, "").as_bytes()).await,
        Reply::Close => Err(io::Error::other("closed as told")),
    }
}

async fn drip(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    for byte in bytes {
        stream.write_all(&[*byte]).await?;
        stream.flush().await?;
        sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}
