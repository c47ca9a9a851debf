require ["fileinto", "copy", "encoded-character"];
fileinto ["a"];
fileinto "${hex:ff}";
fileinto "";
fileinto :copy :copy "a";
