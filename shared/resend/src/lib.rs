//! The client of Resend, which sends the mail.
