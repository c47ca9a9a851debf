require "variables";
set "0" "a";
set "a.b" "a";
set "${a}" "b";
set "a" "${nah.x}";
set "a" "${33}";
set :lower :upper "a" "b";
