require ["mailbox", "encoded-character"];
if mailboxexists "${hex:ff}a" { discard; }
