//! Who is at the other end of a connection on this machine: asked of the kernel, not of the address,
//! since every local user can connect from 127.0.0.1.

use std::{fs, io, net::SocketAddr};

/// `TCP_ESTABLISHED`; in any other state the kernel no longer knows the owner and shows user 0.
const ESTABLISHED: &str = "01";

/// The Unix user whose process holds the other end of this loopback connection, or `None` if the kernel
/// does not know: not local, or closed already.
pub(super) fn unix_user(peer: SocketAddr, local: SocketAddr) -> io::Result<Option<u32>> {
    let table = match peer {
        SocketAddr::V4(_) => fs::read_to_string("/proc/self/net/tcp")?,
        SocketAddr::V6(_) => fs::read_to_string("/proc/self/net/tcp6")?,
    };
    Ok(owner_in(&table, peer, local))
}

fn owner_in(table: &str, peer: SocketAddr, local: SocketAddr) -> Option<u32> {
    let (peer, local) = (kernel_form(peer), kernel_form(local));
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [_, from, to, state, _, _, _, user, _, inode, ..] = fields[..] else { return None };
        // A socket without an inode belongs to no process any more, and its user is shown as 0.
        let held = state == ESTABLISHED && inode != "0";
        (from == peer && to == local && held).then(|| user.parse().ok())?
    })
}

/// An address as the kernel writes it: each 32-bit word in host byte order, in hex.
fn kernel_form(address: SocketAddr) -> String {
    let octets: Vec<u8> = match address {
        SocketAddr::V4(v4) => v4.ip().octets().to_vec(),
        SocketAddr::V6(v6) => v6.ip().octets().to_vec(),
    };
    let words: String = octets
        .chunks_exact(4)
        .map(|word| format!("{:08X}", u32::from_ne_bytes([word[0], word[1], word[2], word[3]])))
        .collect();
    format!("{words}:{:04X}", address.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn the_kernel_names_this_process_for_a_connection_of_its_own() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
        let client = TcpStream::connect(listener.local_addr().expect("bound")).expect("connects");
        let (server, peer) = listener.accept().expect("accepts");
        let local = server.local_addr().expect("connected");
        let own = fs::metadata("/proc/self").expect("procfs").uid();
        assert_eq!(unix_user(peer, local).expect("readable"), Some(own));
        drop(client);
        // Closed by its owner: the kernel shows user 0 for it, and that is not believed.
        assert_eq!(unix_user(peer, local).expect("readable"), None);
    }

    #[test]
    fn another_user_or_state_is_not_taken_for_root() {
        let peer = "127.0.0.1:41324".parse().expect("address");
        let local = "127.0.0.1:2626".parse().expect("address");
        let line = |state: &str, user: &str, inode: &str| {
            format!(
                "  sl  local_address rem_address st\n   0: 0100007F:A16C 0100007F:0A42 {state} 00000000:00000000 00:00000000 00000000 {user:>5} 0 {inode} 1\n"
            )
        };
        assert_eq!(owner_in(&line("01", "1000", "777"), peer, local), Some(1000));
        assert_eq!(owner_in(&line("01", "0", "777"), peer, local), Some(0));
        assert_eq!(owner_in(&line("06", "0", "0"), peer, local), None);
        assert_eq!(owner_in(&line("04", "0", "0"), peer, local), None);
        assert_eq!(owner_in(&line("01", "0", "0"), peer, local), None);
        assert_eq!(owner_in(&line("01", "0", "777"), local, peer), None);
        assert_eq!(owner_in("", peer, local), None);
    }
}
