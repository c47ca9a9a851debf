require ["reject", "ereject"];
reject "No.";
ereject "Again.";
