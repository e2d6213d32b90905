//! Plica.
