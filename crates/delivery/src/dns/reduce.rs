//! Of an answer, only what answers: the less there is, the less there is to prove, and to be led astray by.

use guarantee::Age;
use hickory_resolver::proto::{
    dnssec::rdata::{DNSSECRData, RRSIG},
    op::{Message, Query, ResponseCode},
    rr::{Name, RData, Record, RecordType},
};

/// Leaves the records of the asked name and type, or else its CNAME, and the proof that there is no closer name or none
/// at all.
///
/// What else a resolver adds belongs to other names or zones. The end of a CNAME is asked for by itself: so the proof
/// of each is told from the others' (RFC 7672 §2.1.3). A denial counts only if it comes from a zone around the name;
/// the library would take an unsigned zone's word for any name.
pub(super) fn reduce(query: &Query, message: Message) -> Message {
    let kind = query.query_type();
    let (answers, authorities) = (message.answers, message.authorities);
    let is = |record: &&Record, kind| record.name == *query.name() && record.record_type() == kind;
    let wanted = if answers.iter().any(|record| is(&record, kind)) { kind } else { RecordType::CNAME };
    let found = answers.iter().any(|record| is(&record, wanted));
    let mut reduced = Message::query();
    reduced.add_query(query.clone());
    reduced.metadata.response_code =
        if found { ResponseCode::NoError } else { message.metadata.response_code };
    if found {
        let wildcard =
            answers.iter().find_map(|record| wildcard_signature(record, query.name(), wanted)).cloned();
        let kept = answers.into_iter().filter(|record| {
            let of_the_name = record.name == *query.name()
                && (record.record_type() == wanted || covers(record).is_some_and(|kind| kind == wanted));
            // RFC 6672: the CNAME is unsigned, and follows from the DNAME.
            let leads_here = wanted == RecordType::CNAME
                && (record.record_type() == RecordType::DNAME || covers(record) == Some(RecordType::DNAME))
                && record.name.zone_of(query.name());
            of_the_name || leads_here
        });
        let mut kept: Vec<Record> = kept.collect();
        // A name has one CNAME (RFC 2181 §10.1), however often a chain comes round to it.
        let cname = kept.iter().position(|record| record.record_type() == RecordType::CNAME);
        let mut place = 0..;
        kept.retain(|record| {
            let place = place.next();
            record.record_type() != RecordType::CNAME || place == cname
        });
        reduced.add_answers(kept);
        if let Some(wildcard) = wildcard {
            let zone = wildcard.input().signer_name.clone();
            reduced.add_authorities(denials(authorities, |signer| *signer == zone));
        }
    } else {
        let start: Vec<Record> = authorities
            .iter()
            .filter(|record| {
                let sort = covers(record).unwrap_or_else(|| record.record_type());
                let start_of_zone = sort == RecordType::SOA && record.name.zone_of(query.name());
                // Whoever looks for a zone cut is content with its NS records, wherever they are.
                let cut = kind == RecordType::NS && sort == RecordType::NS && record.name == *query.name();
                start_of_zone || cut
            })
            .cloned()
            .collect();
        reduced.add_authorities(start);
        reduced.add_authorities(denials(authorities, |signer| signer.zone_of(query.name())));
    }
    reduced.into_response()
}

/// NSEC and NSEC3 records with signatures by such a zone, and those.
fn denials(authorities: Vec<Record>, by: impl Fn(&Name) -> bool) -> Vec<Record> {
    let is_denial = |kind| kind == RecordType::NSEC || kind == RecordType::NSEC3;
    let signed: Vec<(Name, RecordType)> = authorities
        .iter()
        .filter_map(|record| {
            let signature = signature(record)?;
            by(&signature.input().signer_name).then(|| (record.name.clone(), signature.input().type_covered))
        })
        .collect();
    let mut kept = authorities;
    kept.retain(|record| {
        let kind = covers(record).unwrap_or_else(|| record.record_type());
        is_denial(kind)
            && signed.iter().any(|(name, covered)| *name == record.name && *covered == kind)
            && signature(record).is_none_or(|signature| by(&signature.input().signer_name))
    });
    kept
}

/// The signature of the name's records, if it says that they come from a wildcard (RFC 4035 §5.3.4).
pub(super) fn wildcard_signature<'a>(record: &'a Record, name: &Name, kind: RecordType) -> Option<&'a RRSIG> {
    let signature = signature(record)?;
    let input = signature.input();
    (record.name == *name && input.type_covered == kind && input.num_labels < name.num_labels())
        .then_some(signature)
}

pub(super) fn signature(record: &Record) -> Option<&RRSIG> {
    match &record.data {
        RData::DNSSEC(DNSSECRData::RRSIG(signature)) => Some(signature),
        _ => None,
    }
}

fn covers(record: &Record) -> Option<RecordType> {
    signature(record).map(|signature| signature.input().type_covered)
}

/// Whether the records come straight from their source: then their TTL is still the one that is signed (RFC 4034 §3.1.4),
/// which a cache would have counted down. `None` if there is no signature to tell.
pub(super) fn age(message: &Message) -> Option<Age> {
    let records = message.answers.iter().filter(|record| signature(record).is_none());
    let mut signatures = message.answers.iter().filter_map(signature).peekable();
    signatures.peek()?;
    let as_signed = |signature: &RRSIG| {
        records
            .clone()
            .filter(|record| record.record_type() == signature.input().type_covered)
            .all(|record| record.ttl == signature.input().original_ttl)
    };
    Some(if signatures.all(as_signed) { Age::Fresh } else { Age::Cached })
}
