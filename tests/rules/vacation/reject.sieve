require ["vacation", "reject"];
vacation "One.";
reject "Two.";
