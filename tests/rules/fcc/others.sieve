require ["fcc", "fileinto"];
fileinto :fcc "a" "b";
