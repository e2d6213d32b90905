//! Falcon-512 signatures with RPO as their hash, which a host makes for a program that checks them.

use plica_field::{Felt, Word};

use super::host::HostFailure;

/// What a program needs to check a signature of the message, in the order in which it pops it: the nonce (8), the public key h (512),
/// the signature s₂ (512) and their product as polynomials over the integers (1024), coefficients by ascending power.
///
/// The secret key is in the encoding of the Falcon specification (v1.2, §3.11.5), a byte per element; its public key, under which the map
/// has it, is the hash of h. That the two belong together and that the key is one is checked here, unlike by the
/// reference: signing with a key that is damaged may take forever.
#[cfg(feature = "falcon")]
pub(super) fn sign(
    secret_key: &[Felt],
    public_key: Word,
    message: Word,
) -> Result<Vec<Felt>, HostFailure> {
    use miden_crypto::dsa::rpo_falcon512::{Polynomial, SecretKey};
    use miden_crypto::utils::Deserializable;
    use p3_field::{PrimeCharacteristicRing, PrimeField64};

    /// Of an encoded secret key.
    const BYTES: usize = 1281;

    if secret_key.len() != BYTES {
        return Err(HostFailure::SecretKey);
    }
    let bytes = secret_key
        .iter()
        .map(|byte| u8::try_from(byte.as_canonical_u64()))
        .collect::<Result<Vec<u8>, _>>()
        .map_err(|_| HostFailure::SecretKey)?;
    let key = SecretKey::read_from_bytes(&bytes).map_err(|_| HostFailure::SecretKey)?;
    if !solves_ntru(
        &key.short_lattice_basis()
            .each_ref()
            .map(|p| &p.coefficients[..]),
    ) {
        return Err(HostFailure::SecretKey);
    }

    let h = key.compute_pub_key_poly();
    let public: Vec<Felt> = (h.coefficients.iter())
        .map(|c| Felt::from_i16(c.value()))
        .collect();
    if plica_hash_rpo::hash_elements(&public) != public_key {
        return Err(HostFailure::PublicKey);
    }

    let foreign = |element: Felt| miden_crypto::Felt::new(element.as_canonical_u64());
    let signature = key.sign(message.map(foreign).into());
    let s2 = signature.sig_poly();
    let product = Polynomial::mul_modulo_p(&h, s2);

    let nonce = signature.nonce().to_elements();
    let mut values: Vec<Felt> = (nonce.iter())
        .map(|element| Felt::from_u64(element.as_int()))
        .collect();
    values.extend(public);
    values.extend(s2.coefficients.iter().map(|c| Felt::from_i16(c.value())));
    values.extend(product.map(Felt::from_u64));
    Ok(values)
}

/// Whether fG − gF = q in the ring of polynomials modulo X^512 + 1, for the basis [g, −f, G, −F].
#[cfg(feature = "falcon")]
fn solves_ntru(&[g, minus_f, big_g, minus_big_f]: &[&[i16]; 4]) -> bool {
    const Q: i64 = 12289;
    let n = g.len();
    if [minus_f, big_g, minus_big_f].iter().any(|p| p.len() != n) {
        return false;
    }
    let mut sum = vec![0_i64; n];
    for (a, b, sign) in [(minus_f, big_g, -1), (g, minus_big_f, 1)] {
        for (i, &x) in a.iter().enumerate() {
            for (j, &y) in b.iter().enumerate() {
                let term = sign * i64::from(x) * i64::from(y);
                if i + j < n {
                    sum[i + j] += term;
                } else {
                    sum[i + j - n] -= term;
                }
            }
        }
    }
    sum[0] == Q && sum[1..].iter().all(|&c| c == 0)
}

#[cfg(not(feature = "falcon"))]
pub(super) fn sign(_: &[Felt], _: Word, _: Word) -> Result<Vec<Felt>, HostFailure> {
    Err(HostFailure::NoSigner)
}

#[cfg(all(test, feature = "falcon"))]
mod tests {
    use miden_crypto::dsa::rpo_falcon512::SecretKey;
    use miden_crypto::utils::Serializable;
    use p3_field::{PrimeCharacteristicRing, PrimeField64};
    use plica_hash_rpo::{hash_elements, permute};

    use super::*;

    const Q: i64 = 12289;
    const N: usize = 512;

    /// An encoded secret key and the public key it belongs to.
    fn key() -> (Vec<Felt>, Word) {
        let key = SecretKey::new();
        let h = key.compute_pub_key_poly();
        let h: Vec<Felt> = (h.coefficients.iter())
            .map(|c| Felt::from_i16(c.value()))
            .collect();
        let bytes = key.to_bytes().into_iter().map(Felt::from_u8).collect();
        (bytes, hash_elements(&h))
    }

    fn message() -> Word {
        [3, 1, 4, u64::MAX >> 1].map(Felt::from_u64)
    }

    /// The point of the message and the nonce; the reduction is the one of the reference, 64 times the rate of the sponge.
    fn hash_to_point(nonce: &[Felt], message: Word) -> Vec<i64> {
        let mut state = [Felt::ZERO; 12];
        state[4..].copy_from_slice(nonce);
        permute(&mut state);
        state[4..8].copy_from_slice(&message);
        let mut point = Vec::with_capacity(N);
        while point.len() < N {
            permute(&mut state);
            point.extend(
                state[4..]
                    .iter()
                    .map(|v| (v.as_canonical_u64() % Q as u64) as i64),
            );
        }
        point
    }

    #[test]
    fn signatures_are_short_preimages_of_the_message() {
        let (secret, public) = key();
        let values = sign(&secret, public, message()).expect("signs");
        assert_eq!(values.len(), 8 + 4 * N);
        let int = |from: usize, count: usize| -> Vec<i64> {
            let values = &values[from..from + count];
            values.iter().map(|v| v.as_canonical_u64() as i64).collect()
        };
        let (h, s2, product) = (int(8, N), int(8 + N, N), int(8 + 2 * N, 2 * N));
        assert_eq!(hash_elements(&values[8..8 + N]), public);
        assert!(s2.iter().all(|c| (0..Q).contains(c)));
        for (k, coefficient) in product.iter().enumerate() {
            let terms = (0..N).filter(|&i| i <= k && k - i < N);
            assert_eq!(terms.map(|i| h[i] * s2[k - i]).sum::<i64>(), *coefficient);
        }
        // s₁ = c − h·s₂ modulo X^512 + 1 and q, and (s₁, s₂) is within the bound of the specification.
        let c = hash_to_point(&values[..8], message());
        let s1 = (0..N).map(|i| c[i] - product[i] + product[N + i]);
        let balanced = |v: i64| (v + Q / 2).rem_euclid(Q) - Q / 2;
        let norm: i64 = s1
            .chain(s2.iter().copied())
            .map(|v| balanced(v).pow(2))
            .sum();
        assert!(norm <= 34_034_726, "{norm}");
    }

    #[test]
    fn other_keys_and_damaged_ones_are_refused() {
        let (mut secret, public) = key();
        let (_, other) = key();
        let failure = |secret: &[Felt], public| sign(secret, public, message()).unwrap_err();
        assert_eq!(failure(&secret, other), HostFailure::PublicKey);
        assert_eq!(failure(&secret[1..], public), HostFailure::SecretKey);
        for byte in [0, 1, 700, 800, 1280] {
            let kept = secret[byte];
            secret[byte] += Felt::ONE;
            let found = failure(&secret, public);
            assert!(matches!(
                found,
                HostFailure::SecretKey | HostFailure::PublicKey
            ));
            secret[byte] = Felt::from_u64(256);
            assert_eq!(failure(&secret, public), HostFailure::SecretKey);
            secret[byte] = kept;
        }
    }
}
