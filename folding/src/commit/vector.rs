//! Eight 32-bit lanes: a register with AVX2, an array elsewhere.

#[cfg(all(target_arch = "x86_64", target_feature = "avx2"))]
mod lanes {
    use core::arch::x86_64::{__m256i, _mm256_add_epi32, _mm256_sub_epi32};

    /// Eight signed 32-bit numbers.
    #[derive(Clone, Copy)]
    #[repr(transparent)]
    pub(crate) struct Vector(__m256i);

    impl Vector {
        #[inline]
        pub(crate) const fn new(lanes: [i32; 8]) -> Self {
            // SAFETY: both are 32 bytes of plain numbers.
            Self(unsafe { core::mem::transmute::<[i32; 8], __m256i>(lanes) })
        }

        #[inline]
        pub(crate) const fn lanes(self) -> [i32; 8] {
            // SAFETY: as above.
            unsafe { core::mem::transmute::<__m256i, [i32; 8]>(self.0) }
        }

        #[inline]
        pub(crate) fn plus(self, other: Self) -> Self {
            // SAFETY: the target has AVX2.
            Self(unsafe { _mm256_add_epi32(self.0, other.0) })
        }

        #[inline]
        pub(crate) fn minus(self, other: Self) -> Self {
            // SAFETY: the target has AVX2.
            Self(unsafe { _mm256_sub_epi32(self.0, other.0) })
        }
    }
}

#[cfg(not(all(target_arch = "x86_64", target_feature = "avx2")))]
mod lanes {
    /// Eight signed 32-bit numbers.
    #[derive(Clone, Copy)]
    pub(crate) struct Vector([i32; 8]);

    impl Vector {
        #[inline]
        pub(crate) const fn new(lanes: [i32; 8]) -> Self {
            Self(lanes)
        }

        #[inline]
        pub(crate) const fn lanes(self) -> [i32; 8] {
            self.0
        }

        #[inline]
        pub(crate) fn plus(self, other: Self) -> Self {
            Self(core::array::from_fn(|i| self.0[i].wrapping_add(other.0[i])))
        }

        #[inline]
        pub(crate) fn minus(self, other: Self) -> Self {
            Self(core::array::from_fn(|i| self.0[i].wrapping_sub(other.0[i])))
        }
    }
}

pub(super) use lanes::Vector;
