require ["reject", "ereject"];
ereject "Again.";
reject "No.";
