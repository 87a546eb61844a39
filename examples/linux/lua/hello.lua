-- Words of a text, most frequent first.
local text = [[one image one kernel one program and nothing else]]
local counts, words = {}, {}
for word in text:gmatch("%a+") do
  if not counts[word] then words[#words + 1] = word end
  counts[word] = (counts[word] or 0) + 1
end
table.sort(words, function(a, b)
  if counts[a] ~= counts[b] then return counts[a] > counts[b] end
  return a < b
end)
for _, word in ipairs(words) do print(counts[word], word) end
print(_VERSION, string.format("%.3f", math.sqrt(2)))
