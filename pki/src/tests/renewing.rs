use super::*;
use crate::{LEAF_LIFE, PkiError, RENEWAL_GRACE, renewal, validity};

fn renew(world: &World, signer: &AgentKey, now: UnixTime) -> Result<String, PkiError> {
    let request = world.key.request().unwrap();
    let proof = renewal::prove(signer, &request).unwrap();
    renewal::verify(&world.directory(), &world.leaf, &request, &proof, now)
        .map(|(identity, _)| identity.to_string())
}

#[test]
fn a_held_key_renews_before_the_end_and_within_the_grace() {
    let world = world();
    for now in [at(NOW), after(LEAF_LIFE), after(LEAF_LIFE + days(1)), after(LEAF_LIFE + RENEWAL_GRACE)] {
        assert_eq!(renew(&world, &world.key, now).unwrap(), "atalaya://ins_1/ten_a/agt_1");
    }
}

#[test]
fn after_the_grace_and_before_the_beginning_it_does_not() {
    let world = world();
    let over = at(NOW + LEAF_LIFE.as_secs() + RENEWAL_GRACE.as_secs() + 1);
    assert!(matches!(renew(&world, &world.key, over), Err(PkiError::GraceOver)));
    assert!(matches!(renew(&world, &world.key, at(NOW - days(1).as_secs())), Err(PkiError::NotYetValid)));
}

#[test]
fn the_certificate_alone_proves_nothing() {
    let world = world();
    let thief = AgentKey::generate().unwrap();
    assert!(matches!(renew(&world, &thief, at(NOW)), Err(PkiError::BadSignature("renewal"))));
}

#[test]
fn a_proof_is_for_one_request_only() {
    let world = world();
    let proof = renewal::prove(&world.key, &world.key.request().unwrap()).unwrap();
    let other = AgentKey::generate().unwrap().request().unwrap();
    let result = renewal::verify(&world.directory(), &world.leaf, &other, &proof, at(NOW));
    assert!(matches!(result, Err(PkiError::BadSignature("renewal"))));
}

#[test]
fn a_foreign_certificate_renews_nothing() {
    let mut world = world();
    let foreign = Root::generate("ins_1", at(NOW)).unwrap().issue_authority("ten_a", at(NOW)).unwrap();
    world.leaf = foreign.issue(&request(&world.key), "agt_1", at(NOW)).unwrap();
    assert!(matches!(renew(&world, &world.key, at(NOW)), Err(PkiError::Untrusted(_))));
}

#[test]
fn renewal_is_due_at_two_thirds_spread_over_a_twelfth() {
    let held = validity(&world().leaf).unwrap();
    let life = held.not_after.as_secs() - held.not_before.as_secs();
    let (first, last) = (renewal::due(held, 0).as_secs(), renewal::due(held, u32::MAX).as_secs());
    assert!(first.abs_diff(held.not_before.as_secs() + life * 2 / 3) <= 3);
    assert_eq!(last - first, life / 12);
    assert!(last < held.not_after.as_secs());
}
