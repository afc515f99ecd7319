// Files for tests/test_root_clients.py that only ROOT writes: in Delphes' manner, and with what is seldom seen

#include "TClonesArray.h"
#include "TFile.h"
#include "TLorentzVector.h"
#include "TNtuple.h"
#include "TRandom3.h"
#include "TTree.h"
#include <array>
#include <bitset>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

class Jet : public TObject { public: Float_t PT, Eta, Phi, Mass; UInt_t BTag; Float_t Tau[5]; ClassDef(Jet, 3) };
class MissingET : public TObject { public: Float_t MET, Eta, Phi; ClassDef(MissingET, 1) };
void hepae_delphes(const char *path, int n) {
   TFile file(path, "RECREATE");
   TTree tree("Delphes", "Analysis tree");
   TClonesArray jets("Jet"), missing("MissingET");
   Int_t njet, nmissing = 1;
   tree.Branch("Jet", &jets, 64000, 99);
   tree.Branch("Jet_size", &njet, "Jet_size/I");
   tree.Branch("MissingET", &missing, 64000, 99);
   tree.Branch("MissingET_size", &nmissing, "MissingET_size/I");
   TRandom3 r(3);
   for (int i = 0; i < n; i++) {
      jets.Clear();
      missing.Clear();
      njet = r.Poisson(2.5);
      for (int k = 0; k < njet; k++) {
         auto jet = static_cast<Jet *>(jets.ConstructedAt(k));
         jet->PT = 20 + r.Exp(50);
         jet->Eta = r.Gaus(0, 2);
         jet->Phi = r.Uniform(-3.14, 3.14);
         jet->Mass = jet->PT / 8;
         jet->BTag = r.Rndm() < 0.1;
         for (auto &x : jet->Tau) x = r.Rndm();
      }
      auto met = static_cast<MissingET *>(missing.ConstructedAt(0));
      met->MET = r.Exp(30);
      met->Eta = 0;
      met->Phi = r.Uniform(-3.14, 3.14);
      tree.Fill();
   }
   tree.Write();
}
void hepae_odd(const std::string &folder) {
   TRandom3 r(1);
   auto open = [&](const char *name) { return std::make_unique<TFile>((folder + "/" + name).c_str(), "RECREATE"); };
   { auto f = open("names"); TTree t("t", ""); float a = 1, b = 2, c = 3;
     t.Branch("a.b", &a, "a.b/F"); t.Branch("c d", &b); t.Branch("x:y", &c, "z/F"); t.Branch("br[2]", &a, "q/F");
     t.Branch("weird-+*?µ", &b, "w/F");
     for (int i = 0; i < 9; i++) { a = i; b = -i; t.Fill(); }
     t.Write(); f->mkdir("dir with blank/µ"); f->cd("dir with blank/µ");
     TTree u("tree name: odd", ""); u.Branch("n", &a); u.Fill(); u.Write(); }
  { auto f = open("cycles"); TTree t("t", ""); int a; t.Branch("a", &a);
    for (a = 0; a < 5; a++) t.Fill();
    t.Write();
    for (; a < 9; a++) t.Fill();
    t.Write(); }
  { auto f = open("lengths"); TTree t("t", ""); int a = 1; auto x = t.Branch("a", &a), y = t.Branch("b", &a);
    for (int i = 0; i < 10; i++) { x->Fill(); if (i < 7) y->Fill(); }
    t.SetEntries(10); t.Write(); }
  { auto f = open("empty"); TTree t("t", ""); int a; std::vector<float> v; t.Branch("a", &a); t.Branch("v", &v);
    t.Write(); TTree u("u", ""); u.Write(); TTree w("w", ""); w.SetEntries(12); w.Write(); }
  { auto f = open("leaves"); TTree t("t", ""); struct { float x; int y; double z; } s; float m[3][2], v[10][3]; int n;
    char text[20]; bool flags[4]; Long64_t L; ULong64_t U; Double32_t d; Short_t h[2] = {1, 2};
    t.Branch("s", &s, "x/F:y/I:z/D"); t.Branch("m", m, "m[3][2]/F"); t.Branch("n", &n); t.Branch("v", v, "v[n][3]/F");
    t.Branch("text", text, "text/C"); t.Branch("flags", flags, "flags[4]/O"); t.Branch("L", &L, "L/L");
    t.Branch("U", &U, "U/l"); t.Branch("d32", &d, "d32/d"); t.Branch("f16", &s.x, "f16/f"); t.Branch("h", h, "a/S:b/s");
    for (int i = 0; i < 20; i++) {
       s.x = r.Gaus(); s.y = i; s.z = r.Gaus(); n = r.Integer(5); d = r.Gaus(); snprintf(text, 20, "%*s", i % 7, "ab");
       for (auto &row : m) for (auto &x : row) x = r.Rndm();
       for (auto &row : v) for (auto &x : row) x = r.Rndm();
       for (auto &flag : flags) flag = r.Rndm() < 0.5;
       L = i % 2 ? std::numeric_limits<Long64_t>::min() : std::numeric_limits<Long64_t>::max();
       U = i % 2 ? 0 : std::numeric_limits<ULong64_t>::max();
       t.Fill(); }
    t.Write(); }
  { auto f = open("stl"); TTree t("t", ""); std::string s; TString ts;
    std::vector<std::string> vs; std::vector<bool> vb; std::vector<std::vector<float>> vv; std::set<int> st;
    t.Branch("s", &s); t.Branch("vs", &vs); t.Branch("vv", &vv); t.Branch("vb", &vb); t.Branch("st", &st);
    t.Branch("ts", &ts);
    for (int i = 0; i < 30; i++) {
       s = i == 3 ? "a\xff\xfe" : std::string(i * 20, 'x'); ts = Form("t%d", i);
       vs.clear(); vv.clear(); vb.clear(); st.clear();
       for (int k = 0; k < i % 4; k++) {
          vs.push_back(std::string(k, 'y')); vv.push_back(std::vector<float>(k, k));
          vb.push_back(k % 2); st.insert(k); }
       t.Fill(); }
    t.Write(); }
  { auto f = open("objects"); TTree t("t", ""); TLorentzVector v; TVector3 w; TClonesArray a("TLorentzVector");
    auto p = &a; t.Branch("v", &v); t.Branch("v0", &v, 32000, 0); t.Branch("w.", &w); t.Branch("a", &p, 32000, 0);
    for (int i = 0; i < 15; i++) {
       v.SetPtEtaPhiM(r.Exp(20), r.Gaus(), r.Rndm(), 1); w.SetXYZ(i, i, i); a.Clear();
       for (int k = 0; k < i % 3; k++) *(TLorentzVector *)a.ConstructedAt(k) = v;
       t.Fill(); }
    t.Write(); }
  { auto f = open("ntuples"); TNtuple n("n", "", "a:b:c"); TNtupleD d("d", "", "a:b");
    for (int i = 0; i < 20; i++) { n.Fill(i, i, i); d.Fill(i, -i); }
    d.Write(); n.AddFriend(&d); n.Write(); }
  { auto f = open("floats"); TTree t("t", ""); float a; double b; t.Branch("a", &a); t.Branch("b", &b);
    for (int i = 0; i < 90; i++) {
       UInt_t u[] = {0x7fc00001, 0xffc00002, 0x7f800001, 0x80000000, 1, 0x807fffff, 0x7f800000, 0xff800000, 0x7f7fffff};
       ULong64_t w = (ULong64_t)u[i % 9] << 32 | u[i % 9]; memcpy(&a, &u[i % 9], 4); memcpy(&b, &w, 8); t.Fill(); }
    t.Write(); }
}
void hepae_odd_ntuples(const std::string &folder) {
   { auto m = ROOT::RNTupleModel::Create();
     auto deep = m->MakeField<std::vector<std::vector<std::vector<float>>>>("deep");
     auto o = m->MakeField<std::optional<float>>("optional");
     auto v = m->MakeField<std::variant<int, float>>("variant");
     auto a = m->MakeField<std::array<int, 3>>("array"); auto bits = m->MakeField<std::bitset<10>>("bits");
     auto map = m->MakeField<std::map<std::string, int>>("map"); auto vs = m->MakeField<std::vector<std::string>>("vs");
     auto p = m->MakeField<std::pair<int, float>>("pair"); auto c = m->MakeField<char>("char");
     auto u = m->MakeField<std::uint64_t>("u64"); auto vo = m->MakeField<std::vector<std::optional<int>>>("vo");
     auto w = ROOT::RNTupleWriter::Recreate(std::move(m), "nt", folder + "/types");
     for (int i = 0; i < 40; i++) {
        deep->clear(); vo->clear(); vs->assign(i % 4, "t");
        *a = {i, i, i}; bits->set(i % 10); *p = {i, 2.f}; *u = ~0ull - i;
        (*map)[std::to_string(i)] = i; *c = 'a' + i % 20; if (i % 2) *o = i; else o->reset();
        if (i % 2) *v = i; else *v = 1.5f * i;
        for (int k = 0; k < i % 4; k++) {
           deep->push_back({{1.f * k}, {}, {2.f, 3.f}}); vo->push_back(k % 2 ? std::optional<int>(k) : std::nullopt); }
        w->Fill(); } }
   { auto m = ROOT::RNTupleModel::Create(); auto a = m->MakeField<float>("a");
     auto w = ROOT::RNTupleWriter::Recreate(std::move(m), "nt", folder + "/late");
     for (int i = 0; i < 10; i++) { *a = i; w->Fill(); }
     auto update = w->CreateModelUpdater(); update->BeginUpdate();
     auto late = update->MakeField<std::vector<int>>("late"); update->CommitUpdate();
     for (int i = 0; i < 10; i++) { *a = i; late->assign(i % 3, i); w->Fill(); } }
   { auto m = ROOT::RNTupleModel::Create(); m->MakeField<float>("a"); m->MakeField<std::vector<std::string>>("vs");
     auto w = ROOT::RNTupleWriter::Recreate(std::move(m), "nt", folder + "/nothing"); }
}
