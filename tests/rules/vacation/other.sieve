require ["vacation", "variables"];
vacation "I am away, really.";
