require ["vacation", "ereject"];
ereject "Two.";
vacation "One.";
