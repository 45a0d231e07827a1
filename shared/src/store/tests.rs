use super::*;

#[test]
fn every_shard_has_exactly_one_worker_whatever_their_number() {
    for workers in 1..=8 {
        let mut walked: Vec<_> =
            (0..workers).flat_map(|worker| shards_of("fetch", worker, workers)).collect();
        walked.sort();
        walked.dedup();
        assert_eq!(walked.len(), usize::from(SHARDS), "{workers} workers");
    }
}

#[test]
fn a_key_stays_in_its_shard() {
    assert_eq!(shard("fetch", "ENR#1"), shard("fetch", "ENR#1"));
    assert!(shards_of("fetch", 0, 1).any(|name| name == shard("fetch", "ENR#1")));
}
