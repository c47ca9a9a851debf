require ["fileinto", "vnd.example.one", "vnd.example.two"];
fileinto "a";
