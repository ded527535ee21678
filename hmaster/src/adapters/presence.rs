//! Whether a process is gone, by what its host says of its port. Reads and writes nothing.
//!
//! A connection is kept open: when the process dies its host ends the connection at once. Then, and every now and then, a
//! new connection is tried. Only a host that answers that nobody listens proves anything; one that doesn't answer may have
//! hung, or be cut off, and so may a process that takes connections and does nothing with them.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, sleep, timeout};

/// So many refusals in a row, [`REFUSAL_PAUSE`] apart: a process may be gone for less while its host is reconfigured.
const REFUSALS: u32 = 3;
const REFUSAL_PAUSE: Duration = Duration::from_millis(50);
/// A host that doesn't answer a request for a connection.
const CONNECT_WAIT_MAX: Duration = Duration::from_secs(3);
/// A host that lost its memory of a connection, by a restart, doesn't end it: look anew this often.
const HOLD_MAX: Duration = Duration::from_secs(5);
/// Pause after anything that proves nothing, and between connections that are ended at once.
const PAUSE: Duration = Duration::from_millis(500);

/// Where a process listens.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// At a port of a host, by the host's name.
    Host(String, u16),
    /// At an address.
    Address(SocketAddr),
}

/// What a host said.
enum Said {
    Connected(TcpStream),
    Refused,
    /// Nothing, or something that proves nothing.
    Unclear,
}

/// Ends when nobody listens there any more.
pub(crate) async fn until_refused(place: &Place) {
    let (mut refused, mut was_short) = (0, false);
    loop {
        match ask(place).await {
            Said::Connected(mut stream) => {
                refused = 0;
                let began = Instant::now();
                // A server that was sent nothing sends nothing: this ends with the connection.
                let _ = timeout(HOLD_MAX, stream.read(&mut [0; 64])).await;
                let is_short = began.elapsed() < PAUSE;
                if is_short && was_short {
                    sleep(PAUSE).await;
                }
                was_short = is_short;
            }
            Said::Refused => {
                refused += 1;
                if refused >= REFUSALS {
                    return;
                }
                sleep(REFUSAL_PAUSE).await;
            }
            Said::Unclear => {
                refused = 0;
                sleep(PAUSE).await;
            }
        }
    }
}

/// Asks every address of the place. All must refuse: a process may listen at one of several.
async fn ask(place: &Place) -> Said {
    let Ok(addresses) = addresses(place).await else { return Said::Unclear };
    let mut refused = !addresses.is_empty();
    for address in addresses {
        match timeout(CONNECT_WAIT_MAX, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Said::Connected(stream),
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {}
            Ok(Err(_)) | Err(_) => refused = false,
        }
    }
    if refused { Said::Refused } else { Said::Unclear }
}

async fn addresses(place: &Place) -> io::Result<Vec<SocketAddr>> {
    match place {
        Place::Address(address) => Ok(vec![*address]),
        Place::Host(host, port) => Ok(lookup_host((host.as_str(), *port)).await?.collect()),
    }
}

/// Whether a place is on this host and nowhere else: what it says of a port is then said by this machine itself.
pub(crate) async fn is_here(place: &Place) -> bool {
    let is_own = |address: &SocketAddr| is_own_address(address.ip());
    addresses(place).await.is_ok_and(|found| !found.is_empty() && found.iter().all(is_own))
}

/// Nothing can be bound to another machine's address.
fn is_own_address(ip: IpAddr) -> bool {
    UdpSocket::bind((ip, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    const SOON: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_listener_that_goes_is_noticed_and_one_that_only_hangs_is_not() {
        // Takes connections, as far as the system does that for it, and never answers.
        let hanging = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = Place::Address(hanging.local_addr().unwrap());
        let mut gone = std::pin::pin!(until_refused(&place));
        assert!(timeout(Duration::from_millis(700), &mut gone).await.is_err());
        drop(hanging);
        timeout(SOON, gone).await.expect("it is gone");
    }

    #[tokio::test]
    async fn a_name_that_leads_nowhere_proves_nothing() {
        let place = Place::Host("no-such-host.invalid".into(), 16000);
        assert!(timeout(Duration::from_millis(300), until_refused(&place)).await.is_err());
        assert!(!is_here(&place).await);
    }

    #[tokio::test]
    async fn own_addresses_are_known() {
        assert!(is_here(&Place::Host("localhost".into(), 1)).await);
        // Reserved for documentation: nobody's.
        assert!(!is_here(&Place::Address("192.0.2.1:1".parse().unwrap())).await);
    }
}
