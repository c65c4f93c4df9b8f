//! What proves that there is no such name or type, where the library's validator errs.

use data_encoding::BASE32_DNSSEC;
use hickory_resolver::proto::{
    dnssec::{
        Proof,
        rdata::{DNSSECRData, NSEC, NSEC3},
    },
    op::{Message, Query, ResponseCode},
    rr::{Name, RData, Record, RecordType},
};

use super::reduce::{signature, wildcard_signature};

/// Beyond so many iterations a denial by NSEC3 counts as unsigned (RFC 9276 §3.2), however many there are. As many as
/// widespread validators take.
pub(super) const NSEC3_ITERATIONS: u16 = 150;

/// Whether a positive answer is rightly expanded from a wildcard (RFC 4035 §5.3.4): its records are secure, and a secure
/// NSEC record of the same zone proves that between wildcard and name there is nothing.
///
/// The library asks for an NSEC record that covers the wildcard, which exists.
pub(super) fn expanded(query: &Query, message: &Message) -> bool {
    let name = query.name();
    let kinds = [query.query_type(), RecordType::CNAME];
    // Of several signatures the validator marks the one that holds.
    let Some(wildcard) = message
        .answers
        .iter()
        .filter(|record| record.proof == Proof::Secure)
        .find_map(|record| kinds.iter().find_map(|kind| wildcard_signature(record, name, *kind)))
    else {
        return false;
    };
    let (labels, zone) = (wildcard.input().num_labels, &wildcard.input().signer_name);
    let all_secure = message
        .answers
        .iter()
        .filter(|record| signature(record).is_none())
        .all(|record| record.proof == Proof::Secure);
    let next_closer = name.trim_to(usize::from(labels) + 1);
    let covered = message.authorities.iter().any(|record| match &record.data {
        RData::DNSSEC(DNSSECRData::NSEC(nsec)) => {
            record.proof == Proof::Secure
                && zone.zone_of(&record.name)
                && covers(&record.name, nsec, &next_closer)
        }
        _ => false,
    });
    message.metadata.response_code == ResponseCode::NoError && all_secure && covered
}

/// Whether the record proves that neither this name nor one below it exists.
fn covers(owner: &Name, nsec: &NSEC, name: &Name) -> bool {
    let next = nsec.next_domain_name();
    // RFC 6840 §4.1: what lies below a cut or a DNAME is another's.
    let below_a_cut = nsec.is_ancestor_delegation() && owner.zone_of(name);
    let last_of_the_zone = next <= owner && next.zone_of(name);
    !below_a_cut && !name.zone_of(next) && owner < name && (name < next || last_of_the_zone)
}

/// Whether a name is rightly without such a record, beside a DNAME. The library takes a name with a DNAME for one of another
/// zone; that holds only for names below it (RFC 6840 §4.1).
pub(super) fn beside_dname(query: &Query, message: &Message) -> bool {
    let (name, kind) = (query.name(), query.query_type());
    let denied = message.authorities.iter().filter(|record| record.proof == Proof::Secure).any(|record| {
        let types = match &record.data {
            RData::DNSSEC(DNSSECRData::NSEC(nsec)) if record.name == *name => nsec.type_set(),
            RData::DNSSEC(DNSSECRData::NSEC3(nsec3)) if is_of(record, nsec3, name) => nsec3.type_set(),
            _ => return false,
        };
        let a_cut = types.contains(RecordType::NS) && !types.contains(RecordType::SOA);
        types.contains(RecordType::DNAME)
            && !a_cut
            && !types.contains(kind)
            && !types.contains(RecordType::CNAME)
    });
    kind != RecordType::DS
        && message.metadata.response_code == ResponseCode::NoError
        && message.answers.is_empty()
        && denied
}

/// Whether what is denied may yet exist, unsigned: its denial is by NSEC3 with the Opt-Out flag, and is not of the name
/// itself.
pub(super) fn opts_out(name: &Name, message: &Message) -> bool {
    let nsec3s = message.authorities.iter().filter_map(|record| match &record.data {
        RData::DNSSEC(DNSSECRData::NSEC3(nsec3)) => Some((record, nsec3)),
        _ => None,
    });
    nsec3s.clone().any(|(_, nsec3)| nsec3.opt_out())
        && !nsec3s.clone().any(|(record, nsec3)| is_of(record, nsec3, name))
}

/// Whether the record is the name's: its first label is the name's hash (RFC 5155 §3).
pub(super) fn is_of(record: &Record, nsec3: &NSEC3, name: &Name) -> bool {
    if record.proof != Proof::Secure || nsec3.iterations() > NSEC3_ITERATIONS {
        return false;
    }
    let hash = nsec3.hash_algorithm().hash(nsec3.salt(), name, nsec3.iterations());
    let label = hash.map(|hash| BASE32_DNSSEC.encode(hash.as_ref()));
    label.is_ok_and(|label| {
        record.name.iter().next().is_some_and(|first| first.eq_ignore_ascii_case(label.as_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use hickory_resolver::proto::dnssec::Nsec3HashAlgorithm;
    use rstest::rstest;

    use super::*;

    const SALT: &[u8] = &[0xab];

    fn name(text: &str) -> Name {
        Name::from_ascii(text).expect("a name")
    }

    /// A secure NSEC3 record of this name.
    fn nsec3(of: &str, opt_out: bool, types: &[RecordType]) -> Record {
        let hash = |text: &str| Nsec3HashAlgorithm::SHA1.hash(SALT, &name(text), 1).expect("a hash");
        let next = hash("next.example.").as_ref().to_vec();
        let data =
            NSEC3::new(Nsec3HashAlgorithm::SHA1, opt_out, 1, SALT.to_vec(), next, types.iter().copied());
        let owner = name("example.").prepend_label(BASE32_DNSSEC.encode(hash(of).as_ref()));
        secure(owner.expect("a name"), DNSSECRData::NSEC3(data))
    }

    fn nsec(of: &str, types: &[RecordType]) -> Record {
        let data = NSEC::new(name("z.example."), types.iter().copied());
        secure(name(of), DNSSECRData::NSEC(data))
    }

    fn secure(owner: Name, data: DNSSECRData) -> Record {
        let mut record = Record::from_rdata(owner, 60, RData::DNSSEC(data));
        record.proof = Proof::Secure;
        record
    }

    fn denied_by(records: Vec<Record>) -> Message {
        let mut message = Message::query();
        message.add_authorities(records);
        message.into_response()
    }

    #[rstest]
    #[case::of_the_name(nsec3("a.example.", true, &[]), false)]
    #[case::of_another(nsec3("b.example.", true, &[]), true)]
    #[case::without_opt_out(nsec3("b.example.", false, &[]), false)]
    #[case::nsec(nsec("b.example.", &[]), false)]
    fn opt_out(#[case] record: Record, #[case] expected: bool) {
        assert_eq!(opts_out(&name("A.example."), &denied_by(vec![record])), expected);
    }

    #[rstest]
    #[case::nsec(nsec("a.example.", &[RecordType::DNAME, RecordType::A]), true)]
    #[case::nsec3(nsec3("a.example.", false, &[RecordType::DNAME]), true)]
    #[case::at_the_apex(nsec("a.example.", &[RecordType::DNAME, RecordType::NS, RecordType::SOA]), true)]
    #[case::above(nsec("example.", &[RecordType::DNAME]), false)]
    #[case::of_another(nsec3("b.example.", false, &[RecordType::DNAME]), false)]
    #[case::at_a_cut(nsec("a.example.", &[RecordType::DNAME, RecordType::NS]), false)]
    #[case::that_exists(nsec("a.example.", &[RecordType::DNAME, RecordType::MX]), false)]
    #[case::no_dname(nsec("a.example.", &[RecordType::A]), false)]
    fn denied_beside_a_dname(#[case] record: Record, #[case] expected: bool) {
        let query = Query::query(name("a.example."), RecordType::MX);
        assert_eq!(beside_dname(&query, &denied_by(vec![record.clone()])), expected);
        let mut insecure = record;
        insecure.proof = Proof::Insecure;
        assert!(!beside_dname(&query, &denied_by(vec![insecure])));
    }

    #[rstest]
    #[case::between("a.example.", "c.example.", "b.example.", true)]
    #[case::before("b.example.", "c.example.", "a.example.", false)]
    #[case::after("a.example.", "b.example.", "c.example.", false)]
    #[case::the_owner("a.example.", "c.example.", "a.example.", false)]
    #[case::the_next("a.example.", "c.example.", "c.example.", false)]
    #[case::with_a_name_below("a.example.", "x.b.example.", "b.example.", false)]
    #[case::last_of_the_zone("m.example.", "example.", "z.example.", true)]
    #[case::of_another_zone("m.example.", "example.", "z.other.", false)]
    fn covered(#[case] owner: &str, #[case] next: &str, #[case] asked: &str, #[case] expected: bool) {
        let record = NSEC::new(name(next), [RecordType::A]);
        assert_eq!(covers(&name(owner), &record, &name(asked)), expected);
        let cut = NSEC::new(name(next), [RecordType::NS]);
        assert_eq!(covers(&name(owner), &cut, &name(asked)), expected);
    }

    #[test]
    fn a_cut_covers_nothing_below_it() {
        let cut = NSEC::new(name("c.example."), [RecordType::NS]);
        assert!(!covers(&name("a.example."), &cut, &name("x.a.example.")));
        let host = NSEC::new(name("c.example."), [RecordType::A]);
        assert!(covers(&name("a.example."), &host, &name("x.a.example.")));
    }
}
